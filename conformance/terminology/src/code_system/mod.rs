//! A code system, compact: one block of text, numbers that lead into it, and tables by concept. A hundred thousand
//! concepts take some ten MB. <https://hl7.org/fhir/R4/codesystem.html>

mod build;
pub(crate) mod grammar;
mod head;
pub(crate) mod read;
mod table;
#[cfg(test)]
mod tests;
mod walk;
mod words;

use std::cmp::Ordering;
use std::io::{Read as _, Write as _};
use std::sync::OnceLock;

use canonical_model::{Error, IssueCode, Result};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

pub use build::Builder;
pub use grammar::UCUM;
pub use head::{Content, Head, PropertyHead, PropertyKind, Relation};
pub use walk::Subsumption;
pub use words::Wanted;

use crate::shown::shown;
use table::Table;
use words::Words;

/// The number of a concept in its code system, in the order of its author.
pub type Place = u32;

/// A part of the block of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Span {
    at: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Concept {
    code: Span,
    /// Empty where it has none.
    display: Span,
    definition: Span,
    inactive: bool,
    is_abstract: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Row {
    /// Among the code system's properties.
    name: u16,
    kind: PropertyKind,
    value: Span,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Wording {
    language: Span,
    use_system: Span,
    use_code: Span,
    use_display: Span,
    value: Span,
}

/// What is kept of a code system: all else is made of it when it is read.
#[derive(Debug, Serialize, Deserialize)]
struct Compact {
    head: Head,
    text: String,
    concepts: Vec<Concept>,
    /// Child and parent.
    links: Vec<(Place, Place)>,
    properties: Vec<(Place, Row)>,
    designations: Vec<(Place, Wording)>,
}

/// A code system with its concepts.
#[derive(Debug)]
pub struct CodeSystem {
    head: Head,
    text: String,
    concepts: Vec<Concept>,
    /// The places in the order of their codes.
    by_code: Vec<Place>,
    parents: Table<Place>,
    children: Table<Place>,
    properties: Table<Row>,
    designations: Table<Wording>,
    /// Made when it is first searched.
    words: OnceLock<Words>,
}

/// One property of a concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'s> {
    /// Its code.
    pub name: &'s str,
    /// The type of its value.
    pub kind: PropertyKind,
    /// The value as text; of a Coding its code, or its system, code and display with U+001F between them.
    pub value: &'s str,
}

/// One other wording of a concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Designation<'s> {
    /// Its language; empty where it is not told.
    pub language: &'s str,
    /// The system, code and display of what it is for; empty where that is not told.
    pub usage: [&'s str; 3],
    /// The words.
    pub value: &'s str,
}

/// The form of [`CodeSystem::decode`]'s bytes: another form has another number.
const FORM: u8 = 1;

impl Compact {
    fn encode(&self) -> Result<Vec<u8>> {
        let bytes = postcard::to_stdvec(self).map_err(Error::internal)?;
        let mut encoder = ZlibEncoder::new(vec![FORM], Compression::default());
        let written = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        written.map_err(Error::internal)
    }
}

impl CodeSystem {
    /// Reads what [`Builder::encode`] wrote.
    ///
    /// # Errors
    /// Internal where it is of another form, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        match bytes.split_first() {
            Some((&FORM, rest)) => {
                let mut bytes = Vec::new();
                ZlibDecoder::new(rest).read_to_end(&mut bytes).map_err(Error::internal)?;
                Ok(Self::of(postcard::from_bytes(&bytes).map_err(Error::internal)?))
            }
            _ => Err(Error::internal("a code system is kept in a form that is not known")),
        }
    }

    fn of(compact: Compact) -> Self {
        let Compact { head, text, concepts, links, properties, designations } = compact;
        let len = concepts.len();
        let reversed = links.iter().map(|(child, parent)| (*parent, *child)).collect();
        let mut system = Self {
            by_code: (0..u32::try_from(len).unwrap_or(u32::MAX)).collect(),
            parents: Table::new(len, links),
            children: Table::new(len, reversed),
            properties: Table::new(len, properties),
            designations: Table::new(len, designations),
            words: OnceLock::new(),
            head,
            text,
            concepts,
        };
        let mut by_code = std::mem::take(&mut system.by_code);
        by_code.sort_by(|a, b| system.compare(system.code(*a), system.code(*b)).then(a.cmp(b)));
        system.by_code = by_code;
        system
    }

    /// What it says of itself.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How many concepts it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.concepts.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// How many concepts and properties there are to look at.
    #[must_use]
    pub fn size(&self) -> usize {
        self.concepts.len() + self.properties.rows()
    }

    /// About how many bytes of memory it takes, with the words that a search makes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() * 2
            + self.concepts.len() * (size_of::<Concept>() + 24)
            + self.properties.rows() * size_of::<Row>()
            + self.designations.rows() * size_of::<Wording>()
            + self.parents.rows() * 8
    }

    /// All concepts, in the author's order.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        0..u32::try_from(self.concepts.len()).unwrap_or(u32::MAX)
    }

    /// The concept of a code, as it is written where the system tells cases apart.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<Place> {
        let first = self
            .by_code
            .partition_point(|place| self.compare(self.code(*place), code) == Ordering::Less);
        let same = self.by_code.iter().skip(first).copied();
        let mut same = same.take_while(|place| self.compare(self.code(*place), code).is_eq());
        let found = same.next()?;
        // Of those that differ in case alone, the one that does not.
        Some(same.find(|place| self.code(*place) == code).unwrap_or(found))
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        if self.head.case_sensitive {
            return a.cmp(b);
        }
        let lower = |text| str::bytes(text).map(|byte| byte.to_ascii_lowercase());
        lower(a).cmp(lower(b))
    }

    /// Whether it has all of its concepts here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.head.content == Content::Complete
    }

    /// Refuses one that has not all of its concepts here: nothing can be told of what it lacks.
    ///
    /// # Errors
    /// Unprocessable.
    pub fn expect_complete(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let url = shown(&self.head.url);
        let text = format!("the code system {url} is known here, but not with all its concepts");
        Err(Error::unprocessable(text).code(IssueCode::NotSupported))
    }

    fn get(&self, span: Span) -> &str {
        let at = usize::try_from(span.at).unwrap_or(usize::MAX);
        let end = at.saturating_add(usize::try_from(span.len).unwrap_or(usize::MAX));
        self.text.get(at..end).unwrap_or_default()
    }

    fn concept(&self, place: Place) -> Concept {
        let index = usize::try_from(place).unwrap_or(usize::MAX);
        self.concepts.get(index).copied().unwrap_or_default()
    }

    /// Its code.
    #[must_use]
    pub fn code(&self, place: Place) -> &str {
        self.get(self.concept(place).code)
    }

    /// Its display.
    #[must_use]
    pub fn display(&self, place: Place) -> Option<&str> {
        Some(self.get(self.concept(place).display)).filter(|text| !text.is_empty())
    }

    /// Its definition.
    #[must_use]
    pub fn definition(&self, place: Place) -> Option<&str> {
        Some(self.get(self.concept(place).definition)).filter(|text| !text.is_empty())
    }

    /// Whether it is no longer to be used.
    #[must_use]
    pub fn is_inactive(&self, place: Place) -> bool {
        self.concept(place).inactive
    }

    /// Whether it only groups others.
    #[must_use]
    pub fn is_abstract(&self, place: Place) -> bool {
        self.concept(place).is_abstract
    }

    /// What it is directly below.
    #[must_use]
    pub fn parents(&self, place: Place) -> &[Place] {
        self.parents.of(place)
    }

    /// What is directly below it.
    #[must_use]
    pub fn children(&self, place: Place) -> &[Place] {
        self.children.of(place)
    }

    /// Its properties.
    pub fn properties(&self, place: Place) -> impl Iterator<Item = Property<'_>> {
        self.properties.of(place).iter().map(|row| Property {
            name: self.name(row.name),
            kind: row.kind,
            value: self.get(row.value),
        })
    }

    fn name(&self, number: u16) -> &str {
        let head = self.head.properties.get(usize::from(number));
        head.map(|head| head.code.as_str()).unwrap_or_default()
    }

    /// Its other wordings.
    pub fn designations(&self, place: Place) -> impl Iterator<Item = Designation<'_>> {
        self.designations.of(place).iter().map(|it| Designation {
            language: self.get(it.language),
            usage: [self.get(it.use_system), self.get(it.use_code), self.get(it.use_display)],
            value: self.get(it.value),
        })
    }

    /// Its wording in a language, as `de` or `de-AT`, if it has one.
    #[must_use]
    pub fn in_language(&self, place: Place, language: &str) -> Option<&str> {
        let all = || self.designations(place);
        let exact = all().find(|it| it.language.eq_ignore_ascii_case(language));
        let near = || all().find(|it| primary(it.language).eq_ignore_ascii_case(primary(language)));
        exact.or_else(near).map(|it| it.value)
    }
}

/// `de` of `de-AT`.
fn primary(language: &str) -> &str {
    language.split('-').next().unwrap_or_default()
}

impl<'s> Property<'s> {
    /// What filters compare: of a Coding its code.
    #[must_use]
    pub fn compared(&self) -> &'s str {
        match self.kind {
            PropertyKind::Coding => {
                let [_, code, _] = self.coding();
                code
            }
            _ => self.value,
        }
    }

    /// System, code and display of a Coding.
    #[must_use]
    pub fn coding(&self) -> [&'s str; 3] {
        let mut parts = self.value.splitn(3, '\u{1f}');
        let mut next = || parts.next().unwrap_or_default();
        [next(), next(), next()]
    }
}
