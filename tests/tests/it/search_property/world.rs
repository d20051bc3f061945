//! A random world: what its resources are, what they were before, and the definitions they are searched by.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::Result;
use canonical_model::json::parse;
use canonical_model::{Value, object};

use super::caller::Caller;
use super::make::Make;

/// The types of the world.
pub(super) const ALL: [&str; 9] = [
    "Patient",
    "Observation",
    "Encounter",
    "Condition",
    "RiskAssessment",
    "Questionnaire",
    "QuestionnaireResponse",
    "Practitioner",
    "Location",
];
/// Patients, and so on for the other types.
pub(super) const PATIENTS: usize = 40;

/// What the ValueSet `vs` holds, by its definition in [`DEFINITIONS`].
pub(super) const IN_SET: [(&str, &str); 3] =
    [("http://local.example", "a"), ("http://local.example", "c"), ("http://loinc.example", "b")];
/// The hierarchy of `http://local.example`: a over b over c, and d.
pub(super) const LOCAL: [(&str, &[&str], &[&str]); 4] = [
    ("a", &["a", "b", "c"], &["a"]),
    ("b", &["b", "c"], &["a", "b"]),
    ("c", &["c"], &["a", "b", "c"]),
    ("d", &["d"], &["d"]),
];
/// Loaded beside the random resources.
pub(super) const DEFINITIONS: [&str; 2] = [
    r#"{"resourceType":"CodeSystem","id":"local","status":"active","url":"http://local.example","content":"complete","concept":[{"code":"a","concept":[{"code":"b","concept":[{"code":"c"}]}]},{"code":"d"}]}"#,
    r#"{"resourceType":"ValueSet","id":"vs","status":"active","url":"http://vs.example/vs","compose":{"include":[{"system":"http://local.example","concept":[{"code":"a"},{"code":"c"}]},{"system":"http://loinc.example","concept":[{"code":"b"}]}]}}"#,
];

/// Random resources. `BASE` in them stands for the server's.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// What searches find.
    pub(super) now: Vec<Value>,
    /// Earlier writes of the same resources and of others, in order: versions and deletes. What is not
    /// among those of now is deleted at last.
    pub(super) past: Vec<Value>,
}

/// Draws of a world's past.
const LIVES: u64 = 2;

impl World {
    /// The same for the same seed. Resources are created at once or in an earlier form, changed,
    /// deleted, and brought back.
    pub(super) fn random(seed: u64) -> Result<Self> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut past = Vec::new();
        for life in 1..=LIVES {
            for value in draw(seed.wrapping_add(life << 32))? {
                match random.usize(..6) {
                    0 | 1 => {}
                    2 => past.push(deletion(&value)),
                    _ => past.push(value),
                }
            }
        }
        let mut now = draw(seed)?;
        now.retain(|_| random.usize(..8) > 0);
        Ok(Self { now, past })
    }

    /// The writes that lead here, each resource once in a round.
    pub(super) fn rounds(&self) -> Vec<Vec<Value>> {
        let mut rounds: Vec<Vec<Value>> = Vec::new();
        let mut written: HashMap<String, usize> = HashMap::new();
        for value in &self.past {
            let round = written.entry(name(value)).or_default();
            match rounds.get_mut(*round) {
                Some(writes) => writes.push(value.clone()),
                None => rounds.push(vec![value.clone()]),
            }
            *round += 1;
        }
        let mut last = self.now.clone();
        for value in &last {
            written.remove(&name(value));
        }
        let gone = self.past.iter().filter(|value| written.remove(&name(value)).is_some());
        last.extend(gone.map(deletion));
        rounds.push(last);
        rounds
    }

    /// What a caller sees of it.
    pub(super) fn seen(&self, caller: Option<&Caller>) -> Cow<'_, Self> {
        let Some(caller) = caller else { return Cow::Borrowed(self) };
        let now = self.now.iter().filter(|it| caller.sees(it)).cloned().collect();
        Cow::Owned(Self { now, past: Vec::new() })
    }

    pub(super) fn of_kind<'w>(&'w self, kind: &'w str) -> impl Iterator<Item = &'w Value> {
        self.now.iter().filter(move |value| part(value, "resourceType") == kind)
    }
}

/// Resources of all types.
fn draw(seed: u64) -> Result<Vec<Value>> {
    let mut make = Make::new(seed);
    let mut all = Vec::new();
    for n in 0..PATIENTS {
        all.push(make.patient(n));
        all.push(make.observation(2 * n));
        all.push(make.observation(2 * n + 1));
        all.push(make.encounter(n));
        all.push(make.condition(n));
        all.push(make.risk(n));
        all.push(make.questionnaire(n));
        all.push(make.response(n));
    }
    all.extend((0..6).map(|n| make.practitioner(n)));
    all.extend((0..30).map(|n| make.location(n)));
    Ok(all.iter().map(|text| parse(text.as_bytes())).collect::<Result<_, _>>()?)
}

/// `Patient/p1`
pub(super) fn name(value: &Value) -> String {
    format!("{}/{}", part(value, "resourceType"), part(value, "id"))
}

/// The write that deletes a resource.
fn deletion(value: &Value) -> Value {
    let part = |name: &str| Value::from(part(value, name));
    object! { "resourceType": part("resourceType"), "id": part("id"), "deleted": true }.into()
}

/// Whether a write deletes.
pub(super) fn deletes(value: &Value) -> bool {
    value.get("deleted").is_some()
}

/// A string member; the empty string where it is not there.
pub(super) fn part<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
