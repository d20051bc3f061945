//! What the server makes of a search, for the SQL written by hand: hashes, bounds and folded texts. They come
//! from the product's own reader, so both sides look for the same; how they are looked for is each one's own.
//!
//! `:key(Patient?gender=male)` is the key of the test, `:keys(…)` an array of all; likewise `:facet`,
//! `:facets`, `:param`, `:params`, `:text`; `:lo` and `:hi` bound a date, `:at` is a number, `:moment` the
//! time of `_lastUpdated`; `:link` is a chain's reference; `:id(Patient/x)` an identity, `:ids(…)` those of
//! `_id`; `:type(Patient)` its number.

use crate::limit::search::Bind;
use anyhow::{Context as _, Result, bail};
use canonical_model::ResourceType;
use search::{
    Catalogue, Expr, QueryContext, Terms,
    query::{Handling, parse, parse_pairs},
};

/// A statement with places for its values, and what each place asks for.
pub(super) struct Lowered {
    pub(super) sql: String,
    places: Vec<(String, String)>,
}

/// Finds the functions in a statement. Equal ones share a place.
pub(super) fn lower(sql: &str) -> Result<Lowered> {
    let mut lowered = Lowered { sql: String::new(), places: Vec::new() };
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(':') {
        lowered.sql.push_str(before);
        let name_end = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
        let (name, tail) = after.split_at(name_end);
        match tail.strip_prefix('(').filter(|_| !name.is_empty()) {
            Some(tail) => {
                let (argument, tail) = tail.split_once(')').context("a function does not end")?;
                let place = (name.to_owned(), argument.to_owned());
                let known = lowered.places.iter().position(|other| *other == place);
                let at = known.unwrap_or(lowered.places.len());
                if known.is_none() {
                    lowered.places.push(place);
                }
                lowered.sql.push_str(&format!("${}", at + 1));
                rest = tail;
            }
            None => {
                lowered.sql.push(':');
                rest = after;
            }
        }
    }
    lowered.sql.push_str(rest);
    Ok(lowered)
}

impl Lowered {
    /// The values of all places, once `fill` has replaced what the data gives.
    pub(super) fn binds(
        &self,
        catalogue: &Catalogue,
        base: &str,
        fill: impl Fn(&str) -> Result<String>,
    ) -> Result<Vec<Bind>> {
        let one = |(name, argument): &(String, String)| {
            let argument = fill(argument)?;
            bind(catalogue, base, name, &argument).with_context(|| format!(":{name}({argument})"))
        };
        self.places.iter().map(one).collect()
    }
}

fn bind(catalogue: &Catalogue, base: &str, name: &str, argument: &str) -> Result<Bind> {
    let kind = |name: &str| ResourceType::find(name).with_context(|| format!("type `{name}`"));
    match name {
        "type" => return Ok(Bind::Small(kind(argument)?.number())),
        "id" => {
            let (of, id) = argument.split_once('/').context("Type/id")?;
            return Ok(Bind::Int(catalogue.hasher().identity(kind(of)?, id)));
        }
        _ => {}
    }
    let (of, query) = argument.split_once('?').context("a search")?;
    let terms = Terms::default();
    let context = QueryContext::new(catalogue, base, Handling::Strict, &terms);
    let read = parse(context, kind(of)?, &parse_pairs(query)?)?;
    let mut parts = Parts::default();
    parts.take(&read.filter);
    let first = |list: &[i64]| list.first().copied().context("nothing of the kind").map(Bind::Int);
    Ok(match name {
        "key" => first(&parts.keys)?,
        "keys" => Bind::Ints(parts.keys),
        "facet" => Bind::Short(*parts.facets.first().context("no facet")?),
        "facets" => Bind::Shorts(parts.facets),
        "param" => first(&parts.params)?,
        "params" => Bind::Ints(parts.params),
        "lo" => first(&parts.lows)?,
        "hi" => first(&parts.highs)?,
        "moment" => Bind::Time(*parts.lows.first().context("no moment")?),
        "at" => Bind::Float(*parts.numbers.first().context("no number")?),
        "text" => Bind::Text(parts.texts.into_iter().next().context("no text")?),
        "link" => first(&parts.links)?,
        "ids" => Bind::Ints(parts.ids),
        _ => bail!("no function is called `{name}`"),
    })
}

/// What the tests of a search hold, by kind.
#[derive(Default)]
struct Parts {
    keys: Vec<i64>,
    facets: Vec<i32>,
    params: Vec<i64>,
    lows: Vec<i64>,
    highs: Vec<i64>,
    numbers: Vec<f64>,
    texts: Vec<String>,
    links: Vec<i64>,
    ids: Vec<i64>,
}

impl Parts {
    fn take(&mut self, expr: &Expr) {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| self.take(part)),
            Expr::Not(inner) | Expr::Beside(inner) => self.take(inner),
            Expr::Key(test) => {
                self.keys.push(test.lookup);
                self.facets.extend(test.facet);
            }
            Expr::Facet(facet) => self.facets.push(*facet),
            Expr::Text(params, test) => {
                use search::expr::TextTest::{Contains, Equals, Prefix};
                self.params.extend(params.iter().map(|param| param.0));
                let (Prefix(text) | Contains(text) | Equals(text)) = test;
                self.texts.push(text.clone());
            }
            Expr::Date(param, test) => {
                self.params.push(param.0);
                self.lows.push(test.lo);
                self.highs.push(test.hi);
            }
            Expr::OneDate(param, tests) => {
                self.params.push(param.0);
                self.lows.extend(tests.iter().map(|test| test.lo));
                self.highs.extend(tests.iter().map(|test| test.hi));
            }
            Expr::Number(params, test) => {
                self.params.extend(params.iter().map(|param| param.0));
                self.numbers.push(test.at);
            }
            Expr::Updated(test) => self.lows.push(test.lo),
            Expr::Chain(link) | Expr::Has(link) => self.links.push(link.param.0),
            Expr::Identity(ids) => self.ids.extend(ids),
            Expr::Near(_) | Expr::Owned(_) | Expr::Listed { .. } | Expr::Words { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;
    use search::Hasher;

    #[test]
    fn functions_become_places_and_equal_ones_share_one() {
        let lowered = lower("select :key(A?b=1), x::bigint, :key(A?b=1), :id(A/1)").unwrap();
        assert_eq!(lowered.sql, "select $1, x::bigint, $1, $2");
        assert!(lower("select :key(A?b=1").is_err());
    }

    #[test]
    fn every_function_of_every_search_has_a_value() {
        let catalogue = Catalogue::new(Hasher::new(&[7; 16]));
        let fill = |text: &str| {
            let mut out = text.to_owned();
            for (name, value) in [
                ("{Patient.birthdate}", "1980-01-01"),
                ("{Patient.record}", "urn:x|1"),
                ("{Patient.record*20}", "urn:x|1,urn:x|2"),
                ("{Patient*200}", "a,b"),
                ("{Practitioner.record}", "urn:y|1"),
                ("{early}", "2026-01-01T00:00:00.000Z"),
                ("{late}", "2026-01-01T00:00:00.000Z"),
            ] {
                out = out.replace(name, value);
            }
            Ok(out.replace(['{', '}'], ""))
        };
        for named in table::all().unwrap() {
            let lowered = lower(&named.sql).unwrap();
            let binds = lowered.binds(&catalogue, "http://127.0.0.1/fhir", fill);
            assert!(binds.is_ok_and(|binds| !binds.is_empty()), "{}", named.name);
        }
    }
}
