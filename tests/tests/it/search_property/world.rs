//! Random resources of a few types, from a small stock of values that often meet and often nearly meet.

use std::collections::HashMap;

use anyhow::Result;
use canonical_model::json::parse;
use canonical_model::{Value, object};

/// Patients, and so on for the other types.
const PATIENTS: usize = 40;

const FAMILIES: [&str; 9] =
    ["Müller", "MULLER", "Muller-Young", "O'Brien", "de Souza", "Dé", "Abel", "a|b", "c,d$e"];
const GIVEN: [&str; 6] = ["Anna", "Ann", "Zoë", "zoe", "José", "Bo"];
const WORDS: [&str; 5] = ["Alpha beta", "Béta", "Gamma", "alphabet", "x, y"];
const CODES: [&str; 4] = ["a", "b", "c", "d"];
/// The empty one is none.
pub(super) const SYSTEMS: [&str; 3] = ["", "http://local.example", "http://loinc.example"];
const NUMBERS: [&str; 12] =
    ["0", "1", "1.0", "5", "5.4", "5.40", "5.35", "5.45", "54", "99.5", "100", "0.0054"];
/// Units of two dimensions.
pub(super) const UNITS: [&str; 5] = ["mg", "g", "ug", "mL", "L"];
const URLS: [&str; 6] = [
    "http://acme.example/fhir",
    "http://acme.example/fhir/Q/1",
    "http://acme.example/fhir/Q/12",
    "http://acme.example/fhirs",
    "urn:oid:1.2.3",
    "http://acme.example/fhir/Q",
];
const VERSIONS: [&str; 5] = ["1", "1.2", "1.2.3", "1.20", "2"];

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

    pub(super) fn of_kind<'w>(&'w self, kind: &'w str) -> impl Iterator<Item = &'w Value> {
        self.now.iter().filter(move |value| part(value, "resourceType") == kind)
    }
}

/// Resources of all types.
fn draw(seed: u64) -> Result<Vec<Value>> {
    let mut make = Make(fastrand::Rng::with_seed(seed));
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

struct Make(fastrand::Rng);

/// A resource of members, of which some are left out.
fn resource(kind: &str, id: &str, members: impl IntoIterator<Item = Option<String>>) -> String {
    let members: Vec<String> = members.into_iter().flatten().map(|it| format!(",{it}")).collect();
    format!(r#"{{"resourceType":"{kind}","id":"{id}"{}}}"#, members.concat())
}

impl Make {
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        self.0.choice(from).copied().unwrap_or_default()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.0.usize(..n) == 0
    }

    /// A member, more often than not.
    fn maybe(&mut self, make: impl FnOnce(&mut Self) -> String) -> Option<String> {
        (!self.one_in(4)).then(|| make(self))
    }

    fn list(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> String) -> String {
        let count = self.0.usize(1..=most);
        let items: Vec<String> = (0..count).map(|_| make(self)).collect();
        items.join(",")
    }

    fn date(&mut self) -> String {
        let (year, month) = (self.0.usize(2023..2025), self.0.usize(1..4));
        let day = [1, 11, 28][self.0.usize(..3)];
        match self.0.usize(..3) {
            0 => format!("{year}"),
            1 => format!("{year}-{month:02}"),
            _ => format!("{year}-{month:02}-{day:02}"),
        }
    }

    fn time(&mut self) -> String {
        let date = self.date();
        match date.len() {
            10 => format!(
                "{date}{}",
                self.pick(&["", "T10:30:00Z", "T23:30:00-05:00", "T10:30:00.250Z"])
            ),
            _ => date,
        }
    }

    fn period(&mut self) -> String {
        let (a, b) = (self.time(), self.time());
        let (start, end) = if a.get(..4) <= b.get(..4) { (a, b) } else { (b, a) };
        match self.0.usize(..4) {
            0 => format!(r#"{{"start":"{start}"}}"#),
            1 => format!(r#"{{"end":"{end}"}}"#),
            _ => format!(r#"{{"start":"{}","end":"{}"}}"#, start.get(..4).unwrap_or("2023"), end),
        }
    }

    fn coding(&mut self) -> String {
        let (system, code) = (self.pick(&SYSTEMS), self.pick(&CODES));
        let system =
            if system.is_empty() { String::new() } else { format!(r#""system":"{system}","#) };
        let display = self.one_in(3).then(|| format!(r#","display":"{}""#, self.pick(&WORDS)));
        format!(r#"{{{system}"code":"{code}"{}}}"#, display.unwrap_or_default())
    }

    fn concept(&mut self) -> String {
        let text = format!(r#""text":"{}""#, self.pick(&WORDS));
        match self.0.usize(..5) {
            0 => format!("{{{text}}}"),
            1 => format!(r#"{{"coding":[{}],{text}}}"#, self.list(2, Self::coding)),
            _ => format!(r#"{{"coding":[{}]}}"#, self.list(2, Self::coding)),
        }
    }

    fn identifier(&mut self) -> String {
        let system =
            self.pick(&["", r#""system":"http://a.example","#, r#""system":"http://b.example","#]);
        let kind = self.pick(&[
            "",
            r#""type":{"coding":[{"system":"http://v2.example","code":"MR"}],"text":"Médical record"},"#,
            r#""type":{"coding":[{"system":"http://v2.example","code":"SS"}]},"#,
        ]);
        format!(r#"{{{kind}{system}"value":"{}"}}"#, self.pick(&["1", "2", "A1", "a|b", "c,d"]))
    }

    fn quantity(&mut self) -> String {
        let (number, unit) = (self.pick(&NUMBERS), self.pick(&UNITS));
        match self.0.usize(..6) {
            0 => format!(r#"{{"value":{number}}}"#),
            1 => format!(r#"{{"value":{number},"unit":"{unit}"}}"#),
            2 => format!(r#"{{"value":{number},"system":"http://units.example","code":"{unit}"}}"#),
            _ => format!(
                r#"{{"value":{number},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}}"#
            ),
        }
    }

    fn subject(&mut self) -> String {
        let id = format!("p{}", self.0.usize(..PATIENTS));
        let form = self.pick(&[
            "Patient/ID",
            "Patient/ID",
            "Patient/ID",
            "BASE/Patient/ID",
            "Group/ID",
            "Patient/ID/_history/1",
            "http://else.example/fhir/Patient/ID",
        ]);
        format!(r#""subject":{{"reference":"{}"}}"#, form.replace("ID", &id))
    }

    fn encounter_of(&mut self) -> String {
        format!(r#""encounter":{{"reference":"Encounter/e{}"}}"#, self.0.usize(..PATIENTS))
    }

    fn name(&mut self) -> String {
        format!(
            r#"{{"family":"{}","given":[{}]}}"#,
            self.pick(&FAMILIES),
            self.list(2, |make| format!(r#""{}""#, make.pick(&GIVEN)))
        )
    }

    fn patient(&mut self, n: usize) -> String {
        let parts = [
            self.maybe(|make| format!(r#""identifier":[{}]"#, make.list(2, Self::identifier))),
            self.maybe(|make| format!(r#""active":{}"#, make.0.bool())),
            self.maybe(|make| format!(r#""name":[{}]"#, make.list(2, Self::name))),
            self.maybe(|make| format!(r#""gender":"{}""#, make.pick(&["male", "female", "other"]))),
            self.maybe(|make| format!(r#""birthDate":"{}""#, make.date())),
            self.maybe(|make| {
                let number = make.0.usize(..8);
                match make.0.usize(..4) {
                    0 => r#""generalPractitioner":[{"identifier":{"system":"http://npi.example","value":"7"}}]"#.to_owned(),
                    _ => format!(r#""generalPractitioner":[{{"reference":"Practitioner/d{number}"}}]"#),
                }
            }),
        ];
        resource("Patient", &format!("p{n}"), parts)
    }

    fn practitioner(&mut self, n: usize) -> String {
        let parts = [
            self.maybe(|make| format!(r#""name":[{}]"#, make.list(1, Self::name))),
            self.maybe(|make| format!(r#""gender":"{}""#, make.pick(&["male", "female"]))),
        ];
        resource("Practitioner", &format!("d{n}"), parts)
    }

    /// Around a city; two on either side of the date line.
    fn location(&mut self, n: usize) -> String {
        let position = |make: &mut Self| {
            let longitude = match make.0.usize(..8) {
                0 => format!("{}179.9{}", make.pick(&["", "-"]), make.0.usize(6..10)),
                _ => format!("-71.0{}", make.0.usize(0..9)),
            };
            let latitude = format!("42.3{}", make.0.usize(0..9));
            format!(r#""position":{{"latitude":{latitude},"longitude":{longitude}}}"#)
        };
        let parts =
            [self.maybe(|make| format!(r#""name":"{}""#, make.pick(&WORDS))), self.maybe(position)];
        resource("Location", &format!("l{n}"), parts)
    }

    fn observation(&mut self, n: usize) -> String {
        let value = |make: &mut Self| match make.0.usize(..4) {
            0 => format!(r#""valueCodeableConcept":{}"#, make.concept()),
            1 => format!(r#""valueString":"{}""#, make.pick(&WORDS)),
            _ => format!(r#""valueQuantity":{}"#, make.quantity()),
        };
        let component = |make: &mut Self| {
            format!(r#"{{"code":{},"valueQuantity":{}}}"#, make.concept(), make.quantity())
        };
        let parts = [
            Some(format!(r#""status":"{}""#, self.pick(&["final", "amended", "preliminary"]))),
            Some(format!(r#""code":{}"#, self.concept())),
            self.maybe(|make| format!(r#""category":[{}]"#, make.list(2, Self::concept))),
            self.maybe(Self::subject),
            self.maybe(Self::encounter_of),
            self.maybe(|make| match make.one_in(3) {
                true => format!(r#""effectivePeriod":{}"#, make.period()),
                false => format!(r#""effectiveDateTime":"{}""#, make.time()),
            }),
            self.maybe(value),
            self.one_in(3).then(|| format!(r#""component":[{}]"#, self.list(2, component))),
        ];
        resource("Observation", &format!("o{n}"), parts)
    }

    fn encounter(&mut self, n: usize) -> String {
        let parts = [
            Some(format!(r#""status":"{}""#, self.pick(&["planned", "finished"]))),
            Some(format!(r#""class":{}"#, self.coding())),
            self.maybe(Self::subject),
            self.maybe(|make| format!(r#""period":{}"#, make.period())),
        ];
        resource("Encounter", &format!("e{n}"), parts)
    }

    fn condition(&mut self, n: usize) -> String {
        let parts = [
            self.maybe(|make| format!(r#""code":{}"#, make.concept())),
            Some(format!(r#""subject":{{"reference":"Patient/p{}"}}"#, self.0.usize(..PATIENTS))),
            self.maybe(Self::encounter_of),
            self.maybe(|make| match make.0.usize(..3) {
                0 => format!(r#""onsetPeriod":{}"#, make.period()),
                1 => format!(r#""onsetString":"{}""#, make.pick(&WORDS)),
                _ => format!(r#""onsetDateTime":"{}""#, make.time()),
            }),
        ];
        resource("Condition", &format!("c{n}"), parts)
    }

    fn risk(&mut self, n: usize) -> String {
        let prediction =
            |make: &mut Self| format!(r#"{{"probabilityDecimal":{}}}"#, make.pick(&NUMBERS));
        let parts = [
            Some(r#""status":"final""#.to_owned()),
            Some(format!(r#""subject":{{"reference":"Patient/p{}"}}"#, self.0.usize(..PATIENTS))),
            self.maybe(|make| format!(r#""prediction":[{}]"#, make.list(2, prediction))),
        ];
        resource("RiskAssessment", &format!("r{n}"), parts)
    }

    fn questionnaire(&mut self, n: usize) -> String {
        let parts = [
            Some(r#""status":"active""#.to_owned()),
            self.maybe(|make| format!(r#""url":"{}""#, make.pick(&URLS))),
        ];
        resource("Questionnaire", &format!("q{n}"), parts)
    }

    fn response(&mut self, n: usize) -> String {
        let of = |make: &mut Self| {
            let version = match make.one_in(4) {
                true => String::new(),
                false => format!("|{}", make.pick(&VERSIONS)),
            };
            format!(r#""questionnaire":"{}{version}""#, make.pick(&URLS))
        };
        let parts = [Some(r#""status":"completed""#.to_owned()), self.maybe(of)];
        resource("QuestionnaireResponse", &format!("a{n}"), parts)
    }
}
