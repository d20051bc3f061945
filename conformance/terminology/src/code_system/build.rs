//! Makes a code system, concept by concept, whatever form it comes in.

use std::collections::{HashMap, HashSet};

use canonical_model::{Error, IssueCode, Kind, Result};

use super::{
    CodeSystem, Compact, Concept, Head, Place, PropertyHead, PropertyKind, Row, Span, Wording,
};
use crate::limits::{CONCEPTS_MAX, TEXT_BYTES_MAX};

/// A code system while it is read.
#[derive(Debug)]
pub struct Builder {
    compact: Compact,
    places: HashMap<Box<str>, Place>,
    /// Texts that come often: languages, uses, values of properties.
    known: HashMap<Box<str>, Span>,
    names: HashMap<Box<str>, u16>,
    related: HashSet<(Place, Place)>,
}

impl Builder {
    /// Begins one.
    #[must_use]
    pub fn new(head: Head) -> Self {
        let names = head.properties.iter().zip(0..);
        let names = names.map(|(it, number)| (it.code.as_str().into(), number)).collect();
        let compact = Compact {
            head,
            text: String::new(),
            concepts: Vec::new(),
            links: Vec::new(),
            properties: Vec::new(),
            designations: Vec::new(),
        };
        let (places, known, related) = (HashMap::new(), HashMap::new(), HashSet::new());
        Self { compact, places, known, names, related }
    }

    /// How many concepts it has so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.compact.concepts.len()
    }

    /// Whether it has none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compact.concepts.is_empty()
    }

    /// What it says of itself, to change.
    pub fn head_mut(&mut self) -> &mut Head {
        &mut self.compact.head
    }

    /// The concept of a code, which becomes one where it is not yet.
    ///
    /// # Errors
    /// TooLarge.
    pub fn concept(&mut self, code: &str) -> Result<Place> {
        if let Some(place) = self.places.get(code) {
            return Ok(*place);
        }
        if self.compact.concepts.len() >= CONCEPTS_MAX {
            return Err(too_large());
        }
        let place = Place::try_from(self.compact.concepts.len()).map_err(|_| too_large())?;
        let code_span = self.add(code)?;
        self.compact.concepts.push(Concept { code: code_span, ..Concept::default() });
        self.places.insert(code.into(), place);
        Ok(place)
    }

    /// The concept of a code that is one already.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<Place> {
        self.places.get(code).copied()
    }

    /// Its display; the first that is told stays.
    ///
    /// # Errors
    /// TooLarge.
    pub fn display(&mut self, place: Place, text: &str) -> Result<()> {
        let span = self.add(text)?;
        self.change(place, |concept| {
            if concept.display.len == 0 {
                concept.display = span;
            }
        });
        Ok(())
    }

    /// Its definition.
    ///
    /// # Errors
    /// TooLarge.
    pub fn definition(&mut self, place: Place, text: &str) -> Result<()> {
        let span = self.add(text)?;
        self.change(place, |concept| concept.definition = span);
        Ok(())
    }

    /// Says that it is no longer to be used.
    pub fn inactive(&mut self, place: Place) {
        self.change(place, |concept| concept.inactive = true);
    }

    /// Says that it only groups others.
    pub fn group(&mut self, place: Place) {
        self.change(place, |concept| concept.is_abstract = true);
    }

    /// Puts a concept below another; once, however often it is told.
    pub fn below(&mut self, child: Place, parent: Place) {
        if child != parent && self.related.insert((child, parent)) {
            self.compact.links.push((child, parent));
        }
    }

    /// Adds a property; `true` and `retired` of FHIR's own are understood.
    /// <https://hl7.org/fhir/R4/codesystem.html#defined-props>
    ///
    /// # Errors
    /// TooLarge, also where there are more properties than a code system may have.
    pub fn property(
        &mut self,
        place: Place,
        name: &str,
        kind: PropertyKind,
        value: &str,
    ) -> Result<()> {
        match (name, value) {
            ("inactive", "true") | ("status", "retired" | "inactive") => self.inactive(place),
            ("notSelectable" | "abstract", "true") => self.group(place),
            _ => {}
        }
        let number = self.named(name)?;
        let value = self.intern(value)?;
        self.compact.properties.push((place, Row { name: number, kind, value }));
        Ok(())
    }

    fn named(&mut self, name: &str) -> Result<u16> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let heads = &mut self.compact.head.properties;
        let number = u16::try_from(heads.len()).map_err(|_| too_large())?;
        heads.push(PropertyHead { code: name.to_owned(), description: None, declared: false });
        self.names.insert(name.into(), number);
        Ok(number)
    }

    /// Adds another wording: its language, and the system, code and display of its use; empty where not told.
    ///
    /// # Errors
    /// TooLarge.
    pub fn designation(
        &mut self,
        place: Place,
        language: &str,
        usage: [&str; 3],
        value: &str,
    ) -> Result<()> {
        let [use_system, use_code, use_display] = usage;
        let wording = Wording {
            language: self.intern(language)?,
            use_system: self.intern(use_system)?,
            use_code: self.intern(use_code)?,
            use_display: self.intern(use_display)?,
            value: self.add(value)?,
        };
        self.compact.designations.push((place, wording));
        Ok(())
    }

    fn change(&mut self, place: Place, change: impl FnOnce(&mut Concept)) {
        let index = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(concept) = self.compact.concepts.get_mut(index) {
            change(concept);
        }
    }

    fn add(&mut self, text: &str) -> Result<Span> {
        let at = self.compact.text.len();
        if at.saturating_add(text.len()) > TEXT_BYTES_MAX {
            return Err(too_large());
        }
        self.compact.text.push_str(text);
        let number = |it: usize| u32::try_from(it).map_err(|_| too_large());
        Ok(Span { at: number(at)?, len: number(text.len())? })
    }

    fn intern(&mut self, text: &str) -> Result<Span> {
        if text.is_empty() {
            return Ok(Span::default());
        }
        if let Some(span) = self.known.get(text) {
            return Ok(*span);
        }
        let span = self.add(text)?;
        self.known.insert(text.into(), span);
        Ok(span)
    }

    /// The code system.
    #[must_use]
    pub fn finish(self) -> CodeSystem {
        CodeSystem::of(self.compact)
    }

    /// Bytes to keep, that [`CodeSystem::decode`] reads.
    ///
    /// # Errors
    /// Internal.
    pub fn encode(&self) -> Result<Vec<u8>> {
        self.compact.encode()
    }
}

fn too_large() -> Error {
    let text = "The code system is larger than one may be here.";
    Error::new(Kind::TooLarge, text).code(IssueCode::TooLong)
}
