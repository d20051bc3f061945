//! <https://hl7.org/fhir/R4/search.html#number>, <https://hl7.org/fhir/R4/search.html#quantity>

use super::values::{split, unescape};
use super::{Criterion, Parsed, any};
use crate::expr::{Expr, NumberTest, Prefix};
use crate::keys::{Aspect, Param};
use crate::measure::{Scale, Written, of_unit};
use crate::query::refusal::Refusal;

pub(super) fn criterion(it: &Criterion<'_>) -> Parsed {
    if it.modifier.is_some() {
        return Err(it.unsupported());
    }
    let lookups = it.param.lookups();
    any(&it.values, |value| Ok(read(it, value, it.is_quantity())?.under(it, &lookups)))
}

/// What a number or quantity is compared with.
pub(super) struct Asked {
    unit: Unit,
    test: NumberTest,
    quantity: bool,
}

impl Asked {
    /// The same of parameters that hold the values of one code only.
    pub(super) fn narrow(mut self) -> Self {
        self.test.narrow = true;
        self
    }

    /// The test under one of several parameters.
    pub(super) fn under(&self, it: &Criterion<'_>, lookups: &[Param]) -> Expr {
        let hasher = it.context.catalogue.hasher();
        let under = |param: &Param| match &self.unit {
            Unit::None => *param,
            Unit::Named(name) => hasher.aspect(*param, &Aspect::UnitName(name)),
            Unit::Of(system, code) => hasher.aspect(*param, &of_unit(system, code).0),
        };
        let test = Expr::Number(lookups.iter().map(under).collect(), self.test);
        // A quantity without its unit, or by the unit's name, is in the forward index only.
        let indexed = !self.quantity || matches!(self.unit, Unit::Of(..));
        if indexed { test } else { Expr::Beside(Box::new(test)) }
    }
}

enum Unit {
    None,
    /// By its code or its human name.
    Named(String),
    Of(String, String),
}

/// `number`, `number|system|code`, `number||code`.
pub(super) fn read(it: &Criterion<'_>, value: &str, quantity: bool) -> Result<Asked, Refusal> {
    let (prefix, rest) = Prefix::split(value);
    let parts: Vec<String> = split(rest, '|').into_iter().map(unescape).collect();
    let (number, unit) = match parts.as_slice() {
        [number] => (number, Unit::None),
        [number, system, code] if quantity => match (system.is_empty(), code.is_empty()) {
            (true, true) => (number, Unit::None),
            (_, true) => return Err(it.wrong("the unit's code is missing behind its system")),
            (true, false) => (number, Unit::Named(code.clone())),
            (false, false) => (number, Unit::Of(system.clone(), code.clone())),
        },
        _ if quantity => {
            return Err(it.wrong("expected number, number|system|code or number||code"));
        }
        _ => {
            return Err(
                it.wrong("expected a number such as 0.8, with a prefix such as ge before it")
            );
        }
    };
    let written = match prefix {
        Prefix::Ap => Written::nearly(number),
        _ => Written::parse(number),
    };
    let written = written.ok_or_else(|| {
        it.wrong("expected a number such as 5.4 or 1e2, with a prefix such as ge before it")
    })?;
    let scale = match &unit {
        Unit::Of(system, code) => of_unit(system, code).1,
        Unit::None | Unit::Named(_) => None,
    };
    Ok(Asked { unit, test: test(prefix, written, scale), quantity })
}

fn test(prefix: Prefix, written: Written, scale: Option<Scale>) -> NumberTest {
    let Written { at, lo, hi } = scale.map_or(written, |scale| written.scaled(scale));
    NumberTest { prefix, at, lo, hi, narrow: false }
}
