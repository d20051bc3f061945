//! What can be wrong with the record, in the words of an inquiry.

use chrono::{DateTime, NaiveDate, Utc};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A row is not what was sealed.
    Edit,
    /// A row that was sealed is not there.
    Deletion,
    /// A row is there that was not when its time was sealed.
    Insertion,
    /// Two rows have each what the other had.
    Swap,
    /// Seals are missing, at the end or before.
    Truncation,
    /// Seals are not those that were made: another head than is known, or another key.
    Rewrite,
    /// A month is not there, and nothing says that it was dropped.
    MonthGone,
    /// A version has no row.
    Unrecorded,
    /// A row is not found under whom it names.
    Unlisted,
    /// Rows that should be sealed long since are not: sealing stands still.
    Unsealed,
}

impl FaultKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Deletion => "deletion",
            Self::Insertion => "insertion",
            Self::Swap => "swap",
            Self::Truncation => "truncation",
            Self::Rewrite => "rewrite",
            Self::MonthGone => "month-gone",
            Self::Unrecorded => "unrecorded",
            Self::Unlisted => "unlisted",
            Self::Unsealed => "unsealed",
        }
    }
}

/// A fault, with where it is as far as that can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// The row.
    pub audit_id: Option<i64>,
    /// The other row of a swap.
    pub other_id: Option<i64>,
    /// The time that the row says, where it is there; of a row that is not, its seal's month.
    pub at: Option<DateTime<Utc>>,
    /// The month.
    pub month: Option<NaiveDate>,
    /// The seal.
    pub seal: Option<i64>,
    /// A sentence.
    pub text: String,
}

impl Fault {
    pub(crate) fn of(kind: FaultKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, audit_id: None, other_id: None, at: None, month: None, seal: None, text }
    }

    pub(crate) fn in_seal(self, seal: i64) -> Self {
        Self { seal: Some(seal), ..self }
    }

    pub(crate) fn in_month(self, month: NaiveDate) -> Self {
        Self { month: Some(month), ..self }
    }

    pub(crate) fn on_row(self, audit_id: i64, at: Option<DateTime<Utc>>) -> Self {
        Self { audit_id: Some(audit_id), at, ..self }
    }
}
