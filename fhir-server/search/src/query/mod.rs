//! A search as it was asked: from the query string to an expression tree and result options.

mod compartment;
mod criteria;
mod include;
mod pairs;
mod parse;
mod refusal;
mod sort;
mod spelling;

use canonical_model::{Issue, ResourceType};

use crate::expr::Expr;
use crate::keys::{Key, Param};

pub use compartment::compartment;
pub use criteria::{alternatives, in_words};
pub use include::Include;
pub use pairs::{Pair, parse_pairs, write_pairs};
pub use parse::{Handling, QueryContext, parse};
pub use refusal::tame;
pub use spelling::offer;

/// A search of one type.
#[derive(Clone, Debug)]
pub struct Query {
    /// The type searched.
    pub kind: ResourceType,
    /// What must hold.
    pub filter: Expr,
    /// What to sort by; empty leaves the order to the store.
    pub sort: Vec<Sort>,
    /// What else joins the answer.
    pub includes: Vec<Include>,
    /// Matches on a page; 0 asks for the total only.
    pub count: usize,
    /// Whether to count all matches.
    pub total: Total,
    /// `_summary`.
    pub summary: Summary,
    /// The parameters that were understood, for the self link.
    pub applied: Vec<Pair>,
    /// What was ignored, in lenient handling.
    pub ignored: Vec<Issue>,
    /// The search parameters of one's own that it needs, whether to find, to sort or to include.
    pub customs: Vec<UsedCustom>,
}

/// A search parameter of one's own, as a query uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedCustom {
    /// Names its definition.
    pub digest: i64,
    /// Its type and code, as `Patient.nickname`.
    pub name: String,
    /// What the resources have that it leaves out.
    pub left_out: Key,
}

/// One sort field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// From high to low.
    pub descending: bool,
}

/// What a search can be sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// `_lastUpdated`.
    Updated,
    /// `_id`.
    Id,
    /// A date parameter; `timed` where `timeline_index` keeps it.
    Date {
        /// The parameter.
        param: Param,
        /// Whether `timeline_index` is in its order.
        timed: bool,
    },
    /// A string parameter, and those that hold some of its values.
    Text(Vec<Param>),
    /// A number or quantity, as it is written, and parameters that hold some of its values.
    Number(Vec<Param>),
    /// A token, reference or uri: texts at these JSON paths of the content.
    Element(Vec<String>),
}

/// `_total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Total {
    /// No total, unless it is known anyway.
    #[default]
    None,
    /// About how many: a sample of the candidates where there are many.
    Estimate,
    /// A count of all matches.
    Accurate,
}

/// `_summary`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    /// Everything.
    #[default]
    False,
    /// The elements marked as summary.
    True,
    /// Narrative, id, meta and mandatory elements.
    Text,
    /// Everything but the narrative.
    Data,
    /// The number of matches.
    Count,
}

impl Summary {
    /// Reads the parameter's value.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        match value {
            "false" => Some(Self::False),
            "true" => Some(Self::True),
            "text" => Some(Self::Text),
            "data" => Some(Self::Data),
            "count" => Some(Self::Count),
            _ => None,
        }
    }
}
