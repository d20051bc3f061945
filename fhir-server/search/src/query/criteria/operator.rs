//! What the operators of `_filter` ask of a parameter, and of which kinds.
//! <https://hl7.org/fhir/R4/search_filter.html#ops>

use conformance::SearchParamKind;

use crate::expr::Prefix;
use crate::query::refusal::{Refusal, tame};

/// How a test of a `_filter` compares. A chain hands it on to its last parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum Operator {
    /// `eq`, `ne`: a string as a whole.
    Equal,
    /// `sw`.
    Begins,
    /// `gt`, `lt`, `ge`, `le`, `ap`, `sa`, `eb`: the value has it as its prefix.
    Ordered,
    /// `po`.
    Overlaps,
    /// `re`.
    Refers,
    /// What a modifier says as well, which knows its kinds: `co`, `pr`, `ss`, `sb`, `in`, `ni`.
    OfModifier,
}

impl Operator {
    /// Refuses what the operator cannot ask: it would be another search.
    ///
    /// # Errors
    /// Bad for a parameter of another kind, or a value with a prefix of its own.
    pub(super) fn check(
        self,
        code: &str,
        kind: SearchParamKind,
        values: &[&str],
    ) -> Result<(), Refusal> {
        use SearchParamKind::{Date, Number, Quantity, Reference, String, Uri};
        let ordered = matches!(kind, Number | Date | Quantity);
        let (fits, wanted) = match self {
            Self::Equal | Self::OfModifier => (true, ""),
            Self::Begins => (kind == String, "`sw` asks a string"),
            Self::Ordered => (ordered, "this operator asks a number, a date or a quantity"),
            Self::Overlaps => (kind == Date, "`po` asks a date"),
            Self::Refers => (matches!(kind, Reference | Uri), "`re` asks a reference"),
        };
        if !fits {
            return Err(refused(code, wanted));
        }
        let own = |value: &&str| Prefix::split(value).1 != *value;
        if ordered && matches!(self, Self::Equal | Self::Overlaps) && values.iter().any(own) {
            return Err(refused(code, "the operator compares already: leave out the prefix"));
        }
        Ok(())
    }
}

fn refused(code: &str, text: &str) -> Refusal {
    Refusal::value("_filter", &format!("{}: {text}", tame(code)))
}
