//! Hundreds of random searches over a generated population find what a naive filter finds.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use canonical_model::Value;
use generator::{Options, Population};
use it::{Client, Fixture};

use crate::search_model::{
    Criterion, DEFINITIONS, Definition, Kind, Test, fold, span, target, tokens, values,
};
use crate::search_walk::walk;

const SEARCHES: usize = 400;
const PREFIXES: [&str; 8] = ["", "ne", "gt", "lt", "ge", "le", "sa", "eb"];

/// A criterion as it is asked and as it is meant.
pub(crate) type Asked = (String, Criterion);

pub(crate) struct Dice<'d> {
    pub(crate) random: fastrand::Rng,
    pub(crate) base: &'d str,
    pub(crate) all: &'d [Value],
}

impl Dice<'_> {
    /// A value of the parameter in some resource of the type.
    fn value(&mut self, (kind, _, _, paths): Definition) -> Option<&Value> {
        let of_kind: Vec<&Value> =
            self.all.iter().filter(|value| text(value, "resourceType") == kind).collect();
        let resource = *self.random.choice(&of_kind)?;
        let found = values(resource, paths);
        self.random.choice(&found).copied()
    }

    pub(crate) fn criterion(&mut self, kind: &str) -> Option<Asked> {
        let definitions: Vec<&Definition> = DEFINITIONS.iter().filter(|d| d.0 == kind).collect();
        let definition = **self.random.choice(&definitions)?;
        let code = definition.1;
        if self.random.usize(..10) == 0 {
            let missing = self.random.bool();
            return Some((
                format!("{code}:missing={missing}"),
                Criterion::Missing(definition, missing),
            ));
        }
        let (modifier, count) = (self.modifier(definition), self.random.usize(1..4));
        let mut asked = Vec::new();
        let mut tests = Vec::new();
        for _ in 0..count {
            let (text, test) = self.test(definition, &modifier)?;
            asked.push(text);
            tests.push(test);
        }
        let criterion = match modifier.as_str() {
            ":not" => Criterion::None(definition, tests),
            _ => Criterion::Any(definition, tests),
        };
        Some((format!("{code}{modifier}={}", asked.join(",")), criterion))
    }

    /// Types that the parameter may point to: with another the server refuses it.
    fn modifier(&mut self, (_, code, kind, _): Definition) -> String {
        let one_in_three = self.random.usize(..3) == 0;
        match kind {
            Kind::Text if one_in_three => ":contains".to_owned(),
            Kind::Token if one_in_three => ":not".to_owned(),
            Kind::Reference if one_in_three => {
                let targets = match code {
                    "patient" => [":Patient", ":Patient"],
                    "subject" => [":Patient", ":Group"],
                    "encounter" => [":Encounter", ":Encounter"],
                    _ => [":Practitioner", ":Organization"],
                };
                targets[self.random.usize(..2)].to_owned()
            }
            _ => String::new(),
        }
    }

    fn test(&mut self, definition: Definition, modifier: &str) -> Option<(String, Test)> {
        let value = self.value(definition)?.clone();
        Some(match definition.2 {
            Kind::Text => self.of_text(value.as_str()?, modifier == ":contains"),
            Kind::Token => self.of_token(&value)?,
            Kind::Date => self.of_date(&value)?,
            Kind::Reference => self.of_reference(&value, modifier.trim_start_matches(':'))?,
        })
    }

    fn of_text(&mut self, text: &str, contains: bool) -> (String, Test) {
        let letters: Vec<char> = text.chars().collect();
        let from = if contains { self.random.usize(..letters.len()) } else { 0 };
        let to = self.random.usize(from + 1..=letters.len());
        let part: String = letters[from..to].iter().collect();
        let part = if part.trim().is_empty() { text } else { part.trim() };
        let lower = fold(part);
        let asked = if self.random.bool() { part.to_uppercase() } else { part.to_owned() };
        (escape(&asked), if contains { Test::Contains(lower) } else { Test::Begins(lower) })
    }

    fn of_token(&mut self, value: &Value) -> Option<(String, Test)> {
        let (system, code) = self.random.choice(&tokens(value)).cloned()?;
        let (asked, test) = match self.random.usize(..4) {
            0 if !system.is_empty() => {
                (format!("{}|", escape(&system)), Test::Token(Some(system), None))
            }
            1 => (format!("|{}", escape(&code)), Test::Token(Some(String::new()), Some(code))),
            2 if !system.is_empty() => (
                format!("{}|{}", escape(&system), escape(&code)),
                Test::Token(Some(system), Some(code)),
            ),
            _ => (escape(&code), Test::Token(None, Some(code))),
        };
        Some((asked, test))
    }

    fn of_date(&mut self, value: &Value) -> Option<(String, Test)> {
        let text = [
            value.as_str(),
            value.get("start").and_then(Value::as_str),
            value.get("end").and_then(Value::as_str),
        ];
        let texts: Vec<&str> = text.into_iter().flatten().collect();
        let whole = *self.random.choice(&texts)?;
        let cut = [4, 7, 10, whole.len()][self.random.usize(..4)].min(whole.len());
        let date = whole.get(..cut)?;
        let prefix = PREFIXES[self.random.usize(..PREFIXES.len())];
        let bounds = span(date)?;
        Some((format!("{prefix}{date}"), Test::Date(prefix, bounds)))
    }

    fn of_reference(&mut self, value: &Value, narrowed: &str) -> Option<(String, Test)> {
        let (kind, id) = target(value)?;
        let form = if narrowed.is_empty() { self.random.usize(..3) } else { 0 };
        let asked = match form {
            0 => id.to_owned(),
            1 => format!("{kind}/{id}"),
            _ => format!("{}/{kind}/{id}", self.base),
        };
        let kind = match (narrowed, form) {
            ("", 0) => None,
            ("", _) => Some(kind.to_owned()),
            (narrowed, _) => Some(narrowed.to_owned()),
        };
        Some((asked, Test::Reference(kind, id.to_owned())))
    }
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// <https://hl7.org/fhir/R4/search.html#escaping>
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, '\\' | ',' | '|' | '$') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

pub(crate) fn encode(query: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:=/".contains(&b);
    query
        .bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Loads a population.
pub(crate) async fn stored(client: &Client, options: Options) -> Result<()> {
    let population = Population::new(options)?;
    let mut bundles = vec![population.shared_bundle()];
    for index in 0..population.options().patients {
        let mut out = Vec::new();
        population.write_bundle(index, &mut out);
        bundles.push(out);
    }
    for bundle in bundles {
        let answer = client.send("POST", "", &String::from_utf8(bundle)?).await?;
        anyhow::ensure!(answer.status == 200, "{}", answer.text);
    }
    Ok(())
}

/// Loads some patients and reads everything of the types back.
pub(crate) async fn population(client: &Client) -> Result<Vec<Value>> {
    stored(client, Options { years: 3, ..Options::new(5, 8) }).await?;
    let mut all = Vec::new();
    for kind in ["Patient", "Observation", "Encounter", "Condition"] {
        let mut next = Some(format!("/{kind}?_count=1000"));
        while let Some(url) = next {
            let page = client.get(&url).await?;
            all.extend(page.entries().iter().filter_map(|entry| entry.get("resource").cloned()));
            next = page.link("next");
        }
    }
    Ok(all)
}

#[tokio::test]
async fn random_searches_find_what_a_filter_finds() -> Result<()> {
    let server = Fixture::start().await?;
    let all = population(&server.client).await?;
    assert!(all.len() > 200, "only {} resources", all.len());
    let mut dice =
        Dice { random: fastrand::Rng::with_seed(42), base: &server.client.base, all: &all };
    let mut tally = Tally::default();
    for _ in 0..SEARCHES {
        let kind = ["Patient", "Observation", "Encounter", "Condition"][dice.random.usize(..4)];
        let count = dice.random.usize(1..4);
        let asked: Vec<Asked> = (0..count).filter_map(|_| dice.criterion(kind)).collect();
        let query: Vec<String> = asked.iter().map(|(query, _)| encode(query)).collect();
        let query = format!("/{kind}?{}", query.join("&"));
        let matching = all
            .iter()
            .filter(|value| text(value, "resourceType") == kind)
            .filter(|value| asked.iter().all(|(_, criterion)| criterion.holds(value)));
        tally
            .judge(&server.client, &query, matching.map(|value| text(value, "id")).collect())
            .await?;
    }
    tally.finish()
}

/// What searches found against what they were to find.
#[derive(Default)]
pub(crate) struct Tally {
    searches: usize,
    matched: usize,
    wrong: Vec<String>,
}

impl Tally {
    /// Walks a search in small pages, and counts it.
    pub(crate) async fn judge(
        &mut self,
        client: &Client,
        query: &str,
        expected: BTreeSet<&str>,
    ) -> Result<()> {
        let found = walk(client, &format!("{query}&_count=40")).await.context(query.to_owned())?;
        let distinct: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let counted = client.get(&format!("{query}&_summary=count")).await?;
        let total = counted.at("total").with_context(|| counted.text.clone())?.to_text();
        let alike = found.len() == expected.len() && total == found.len().to_string();
        if distinct != expected || !alike {
            let (found, expected) = (found.len(), expected.len());
            self.wrong
                .push(format!("{query}: {found} found, {total} counted, {expected} expected"));
        }
        self.searches += 1;
        self.matched += usize::from(!expected.is_empty());
        Ok(())
    }

    /// All must be right, and enough must have found something.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { searches, matched, wrong } = self;
        assert!(wrong.is_empty(), "{} of {searches}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(matched > searches / 4, "only {matched} of {searches} searches had a match");
        Ok(())
    }
}
