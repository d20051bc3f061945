//! What drives a query for people: its parameters by their codes, not their hashes.

use std::collections::HashMap;

use canonical_model::Result;

use crate::catalogue::Catalogue;
use crate::query::Query;

/// What was written of a query, with each parameter as `Patient.family` where one of its types has it
/// by this very hash. What is hashed further, as a code under its parameter, stays as it is.
///
/// # Errors
/// Internal, where a definition is broken.
pub fn named(catalogue: &Catalogue, query: &Query, written: &str) -> Result<String> {
    let mut kinds = vec![query.kind];
    query.filter.types(&mut kinds);
    let mut codes = HashMap::new();
    for kind in kinds {
        let params = &catalogue.plan(kind)?.params;
        let code = |own: bool| {
            params.iter().map(move |it| {
                let hash = if own { it.own } else { it.param };
                (hash.0, format!("{kind}.{}", it.definition.code))
            })
        };
        // `subject`, rather than `patient` that shares its hash.
        for (hash, code) in code(true).chain(code(false)) {
            codes.entry(hash).or_insert(code);
        }
    }
    Ok(replaced(written, &codes))
}

/// `Param(7)`, on a line or on three, by its code.
fn replaced(written: &str, codes: &HashMap<i64, String>) -> String {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("Param(") {
        let (inside, behind) = after.split_once(')').unwrap_or((after, ""));
        let number = inside.trim().trim_end_matches(',');
        out.push_str(before);
        match number.parse().ok().and_then(|number: i64| codes.get(&number)) {
            Some(code) => out.push_str(code),
            None => out.push_str(&format!("Param({number})")),
        }
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_give_way_to_codes() {
        let codes = HashMap::from([(-7, "Patient.family".to_owned())]);
        for (written, expected) in [
            ("Text([Param(-7)], x)", "Text([Patient.family], x)"),
            ("Date(\n    Param(\n        -7,\n    ),\n)", "Date(\n    Patient.family,\n)"),
            ("Param(8) Param(-7)", "Param(8) Patient.family"),
            ("Facet(1)", "Facet(1)"),
        ] {
            assert_eq!(replaced(written, &codes), expected);
        }
    }
}
