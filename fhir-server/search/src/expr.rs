//! The expression tree: a filter over the forward index of one resource.
//!
//! Every node can be decided from the values of [`crate::IndexEntries`] alone; `store` picks one
//! conjunct to find candidates with and checks the whole tree on each.

use crate::keys::{Facet, Key, Param};

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
    /// A number or quantity.
    Number(Param, RangeTest<f64>),
    /// `_lastUpdated`, in microseconds.
    Updated(RangeTest<i64>),
    /// `_id`: identities.
    Identity(Vec<i64>),
}

impl Expr {
    /// How many tests the tree holds.
    #[must_use]
    pub fn tests(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::tests).sum(),
            Self::Not(inner) => inner.tests(),
            Self::Key(_)
            | Self::Facet(_)
            | Self::Text(..)
            | Self::Date(..)
            | Self::Number(..)
            | Self::Updated(_)
            | Self::Identity(_) => 1,
        }
    }
}

/// A key, with what makes it exact and what makes it fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTest {
    /// Looked up in `token_index`, or in `timeline_index` where it is timed.
    pub lookup: Key,
    /// Must also be in the forward index: the code's system.
    pub facet: Option<Facet>,
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
