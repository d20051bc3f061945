//! The expression tree: a filter over the forward index of one resource.
//!
//! Nearly every node can be decided from the values of [`crate::IndexEntries`] alone, those of chains
//! from the values of the resources they lead to; `store` picks one conjunct to find candidates with
//! and checks the whole tree on each.

use canonical_model::ResourceType;

use crate::keys::{Facet, Key, Mark, Param};

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All of these; empty is true.
    And(Vec<Expr>),
    /// One of these; empty is false.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// A token, reference or uri.
    Key(KeyTest),
    /// A key that is only in the forward index.
    Facet(Facet),
    /// A string, under one of several parameters.
    Text(Vec<Param>, TextTest),
    /// A date or period.
    Date(Param, RangeTest<i64>),
    /// The one date or period of a parameter, which passes all of these.
    OneDate(Param, Vec<RangeTest<i64>>),
    /// A number or quantity, under one of several parameters.
    Number(Vec<Param>, NumberTest),
    /// A test that only the forward index can decide: no inverted index holds all of its values.
    Beside(Box<Expr>),
    /// A position, for `near`.
    Near(Circle),
    /// It refers to a resource for which something holds: `subject.name`.
    Chain(Link),
    /// A resource refers to it for which something holds: `_has`.
    Has(Link),
    /// It is in the compartment of the patient of this identity.
    Owned(i64),
    /// A list, of this identity, has it: `_list`.
    Listed {
        /// The List's identity.
        list: i64,
        /// The parameter of a List's items.
        item: Param,
    },
    /// Words of its narrative, or of all its content: `_text`, `_content`.
    Words {
        /// All content, not only the narrative.
        content: bool,
        /// Each must occur. In lower case.
        words: Vec<String>,
    },
    /// `_lastUpdated`, in microseconds.
    Updated(RangeTest<i64>),
    /// `_id`: identities.
    Identity(Vec<i64>),
}

impl Expr {
    /// What the forward index decides alone.
    #[must_use]
    pub fn mark([first, second]: Mark) -> Self {
        Self::And(vec![Self::Facet(first), Self::Facet(second)])
    }

    /// How many tests the tree holds.
    #[must_use]
    pub fn tests(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::tests).sum(),
            Self::Not(inner) | Self::Beside(inner) => inner.tests(),
            Self::Chain(link) | Self::Has(link) => 1 + link.filter.tests(),
            Self::OneDate(_, tests) => tests.len(),
            Self::Key(_)
            | Self::Facet(_)
            | Self::Text(..)
            | Self::Date(..)
            | Self::Number(..)
            | Self::Near(_)
            | Self::Owned(_)
            | Self::Listed { .. }
            | Self::Words { .. }
            | Self::Updated(_)
            | Self::Identity(_) => 1,
        }
    }

    /// All of these; one alone stands for itself.
    #[must_use]
    pub fn all(mut parts: Vec<Self>) -> Self {
        match parts.len() {
            1 => parts.pop().unwrap_or(Self::And(Vec::new())),
            _ => Self::And(parts),
        }
    }

    /// One of these, flat; one alone stands for itself.
    #[must_use]
    pub fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.pop().unwrap_or(Self::Or(Vec::new())),
            _ => Self::Or(flat),
        }
    }

    /// The same in one form, however it was written: what is joined is flat, in one order, and each part there once.
    #[must_use]
    pub fn normal(&self) -> Self {
        let one = |inner: &Self| Box::new(inner.normal());
        match self {
            Self::And(parts) => Self::all(joined(parts, |part| match part {
                Self::And(inner) => Ok(inner),
                part => Err(part),
            })),
            Self::Or(parts) => Self::any(joined(parts, |part| match part {
                Self::Or(inner) => Ok(inner),
                part => Err(part),
            })),
            Self::Not(inner) => Self::Not(one(inner)),
            Self::Beside(inner) => Self::Beside(one(inner)),
            Self::Chain(link) => Self::Chain(link.normal()),
            Self::Has(link) => Self::Has(link.normal()),
            Self::Identity(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                Self::Identity(ids)
            }
            other => other.clone(),
        }
    }

    /// The types that chains and lists lead through: the caller must reach them too.
    pub fn types(&self, found: &mut Vec<ResourceType>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.types(found)),
            Self::Not(inner) | Self::Beside(inner) => inner.types(found),
            Self::Chain(link) | Self::Has(link) => {
                found.push(link.kind);
                link.filter.types(found);
            }
            Self::Listed { .. } => found.extend(ResourceType::find("List")),
            _ => {}
        }
    }
}

/// A reference between the resource and others of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The reference's parameter: of the resource that refers.
    pub param: Param,
    /// The type at the other end.
    pub kind: ResourceType,
    /// What holds of the resource at the other end.
    pub filter: Box<Expr>,
    /// Whether the reference puts the resource that refers into a patient's compartment.
    pub compartment: bool,
}

/// Parts in their normal form and one order, those that `open` takes apart by their own parts.
fn joined(parts: &[Expr], open: fn(Expr) -> std::result::Result<Vec<Expr>, Expr>) -> Vec<Expr> {
    let normal = parts.iter().map(Expr::normal);
    let mut flat: Vec<Expr> =
        normal.flat_map(|part| open(part).unwrap_or_else(|part| vec![part])).collect();
    flat.sort_by_cached_key(|part| format!("{part:?}"));
    flat.dedup();
    flat
}

impl Link {
    fn normal(&self) -> Self {
        Self { filter: Box::new(self.filter.normal()), ..self.clone() }
    }

    /// A key of the resource at the other end that `timeline_index` holds.
    #[must_use]
    pub fn timed(&self) -> Option<Key> {
        let key = |expr: &Expr| match expr {
            Expr::Key(test) if test.timed => Some(test.lookup),
            _ => None,
        };
        match self.filter.as_ref() {
            Expr::And(parts) => parts.iter().find_map(key),
            other => key(other),
        }
    }
}

/// Around a point on earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// The parameter of latitudes.
    pub latitude_param: Param,
    /// The parameter of longitudes.
    pub longitude_param: Param,
    /// In degrees, north positive.
    pub latitude: f64,
    /// In degrees, east positive.
    pub longitude: f64,
    /// In kilometres.
    pub radius: f64,
}

/// A comparison with a number. <https://hl7.org/fhir/R4/search.html#number>
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberTest {
    /// How.
    pub prefix: Prefix,
    /// The number itself: what `gt`, `lt`, `ge`, `le`, `sa` and `eb` compare with.
    pub at: f64,
    /// Where the values begin that are equal to it as it is written, or nearly equal for `ap`.
    pub lo: f64,
    /// Where they end, exclusive.
    pub hi: f64,
    /// Whether its parameters hold the values of one code only, as a composite's do.
    pub narrow: bool,
}

impl NumberTest {
    /// Whether a resource's interval passes, both its ends within: the meaning that SQL must match.
    #[must_use]
    pub fn holds(&self, lo: f64, hi: f64) -> bool {
        match self.prefix {
            Prefix::Eq => self.equals(lo, hi),
            Prefix::Ne => !self.equals(lo, hi),
            Prefix::Gt => hi > self.at,
            Prefix::Lt => lo < self.at,
            Prefix::Ge => hi >= self.at,
            Prefix::Le => lo <= self.at,
            Prefix::Sa => lo > self.at,
            Prefix::Eb => hi < self.at,
            Prefix::Ap => lo < self.hi && hi >= self.lo,
        }
    }

    /// A number of more digits than are counted has no width left: then it equals itself.
    fn equals(&self, lo: f64, hi: f64) -> bool {
        let itself = lo.total_cmp(&self.at).is_eq() && hi.total_cmp(&self.at).is_eq();
        itself || (self.lo <= lo && hi < self.hi)
    }
}

/// A key, with what makes it exact and what makes it fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTest {
    /// Looked up in `token_index`, or in `timeline_index` where it is timed.
    pub lookup: Key,
    /// Must also be in the forward index: the code's system.
    pub facet: Option<Facet>,
    /// And its other half, where that tells whose an identifier is.
    pub half: Option<Facet>,
    /// The patient's identity, where the key is a reference to the compartment's patient.
    pub patient: Option<i64>,
    /// Whether `timeline_index` holds the key.
    pub timed: bool,
    /// How few resources the parameter's values tend to share: lower is fewer.
    pub breadth: Breadth,
}

/// How many resources one value of a parameter tends to match. A fixed guess by the kind of value,
/// so that plans do not depend on statistics that may not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// An identifier: one.
    Unique,
    /// A reference: one patient's, one encounter's.
    Owned,
    /// A code from a large system.
    Coded,
    /// A status, a category, a flag: a large part of all.
    Common,
}

/// A test of folded strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// Begins with.
    Prefix(String),
    /// Contains.
    Contains(String),
    /// Equals (folded).
    Equals(String),
}

impl TextTest {
    /// The end of a prefix's range, exclusive: no text begins with the last code point.
    #[must_use]
    pub fn prefix_end(prefix: &str) -> String {
        format!("{prefix}\u{10ffff}")
    }
}

/// A comparison with an interval `lo..hi`. <https://hl7.org/fhir/R4/search.html#prefix>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeTest<T> {
    /// How.
    pub prefix: Prefix,
    /// Where the searched value's implicit range begins.
    pub lo: T,
    /// Where it ends, exclusive.
    pub hi: T,
}

/// The prefixes of ordered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the specification's")]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

impl Prefix {
    /// Splits a value into its prefix and the rest.
    #[must_use]
    pub fn split(value: &str) -> (Self, &str) {
        let table = [
            ("eq", Self::Eq),
            ("ne", Self::Ne),
            ("gt", Self::Gt),
            ("lt", Self::Lt),
            ("ge", Self::Ge),
            ("le", Self::Le),
            ("sa", Self::Sa),
            ("eb", Self::Eb),
            ("ap", Self::Ap),
        ];
        for (word, prefix) in table {
            if let Some(rest) = value.strip_prefix(word) {
                return (prefix, rest);
            }
        }
        (Self::Eq, value)
    }

    /// The prefix as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::Ge => "ge",
            Self::Le => "le",
            Self::Sa => "sa",
            Self::Eb => "eb",
            Self::Ap => "ap",
        }
    }
}

impl<T: PartialOrd> RangeTest<T> {
    /// Whether a resource's interval passes: the meaning that SQL must match.
    #[must_use]
    pub fn holds(&self, lo: T, hi: T) -> bool {
        let within = self.lo <= lo && hi <= self.hi;
        match self.prefix {
            Prefix::Eq => within,
            Prefix::Ne => !within,
            Prefix::Gt => hi > self.hi,
            Prefix::Lt => lo < self.lo,
            Prefix::Ge => hi > self.hi || within,
            Prefix::Le => lo < self.lo || within,
            Prefix::Sa => lo >= self.hi,
            Prefix::Eb => hi <= self.lo,
            Prefix::Ap => lo < self.hi && hi > self.lo,
        }
    }
}
