//! Random resources, from a small stock of values that often meet and often nearly meet.

use super::world::PATIENTS;

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

/// Makes resources.
pub(super) struct Make(fastrand::Rng);

/// A resource of members, of which some are left out.
fn resource(kind: &str, id: &str, members: impl IntoIterator<Item = Option<String>>) -> String {
    let members: Vec<String> = members.into_iter().flatten().map(|it| format!(",{it}")).collect();
    format!(r#"{{"resourceType":"{kind}","id":"{id}"{}}}"#, members.concat())
}

impl Make {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

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

    fn timing(&mut self) -> String {
        let bounds = format!(r#""repeat":{{"boundsPeriod":{}}}"#, self.period());
        let events = self.list(3, |make| format!(r#""{}""#, make.time()));
        match self.0.usize(..3) {
            0 => format!("{{{bounds}}}"),
            1 => format!(r#"{{"event":[{events}]}}"#),
            _ => format!(r#"{{"event":[{events}],{bounds}}}"#),
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
            "http://else.example/fhir/Group/ID",
        ]);
        format!(r#""subject":{{"reference":"{}"}}"#, form.replace("ID", &id))
    }

    fn encounter_of(&mut self) -> String {
        format!(r#""encounter":{{"reference":"Encounter/e{}"}}"#, self.0.usize(..PATIENTS))
    }

    /// Somebody who says or does something.
    fn somebody(&mut self) -> String {
        let kind = self.pick(&["Patient/p", "Practitioner/d", "Practitioner/d"]);
        format!(r#"{{"reference":"{kind}{}"}}"#, self.0.usize(..8))
    }

    fn name(&mut self) -> String {
        format!(
            r#"{{"family":"{}","given":[{}]}}"#,
            self.pick(&FAMILIES),
            self.list(2, |make| format!(r#""{}""#, make.pick(&GIVEN)))
        )
    }

    pub(super) fn patient(&mut self, n: usize) -> String {
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

    pub(super) fn practitioner(&mut self, n: usize) -> String {
        let parts = [
            self.maybe(|make| format!(r#""name":[{}]"#, make.list(1, Self::name))),
            self.maybe(|make| format!(r#""gender":"{}""#, make.pick(&["male", "female"]))),
        ];
        resource("Practitioner", &format!("d{n}"), parts)
    }

    /// Around a city; two on either side of the date line.
    pub(super) fn location(&mut self, n: usize) -> String {
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

    pub(super) fn observation(&mut self, n: usize) -> String {
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
            self.maybe(|make| match make.0.usize(..6) {
                0 => format!(r#""effectiveTiming":{}"#, make.timing()),
                1 | 2 => format!(r#""effectivePeriod":{}"#, make.period()),
                _ => format!(r#""effectiveDateTime":"{}""#, make.time()),
            }),
            self.one_in(3).then(|| format!(r#""performer":[{}]"#, self.list(2, Self::somebody))),
            self.maybe(value),
            self.one_in(3).then(|| format!(r#""component":[{}]"#, self.list(2, component))),
        ];
        resource("Observation", &format!("o{n}"), parts)
    }

    pub(super) fn encounter(&mut self, n: usize) -> String {
        let parts = [
            Some(format!(r#""status":"{}""#, self.pick(&["planned", "finished"]))),
            Some(format!(r#""class":{}"#, self.coding())),
            self.maybe(Self::subject),
            self.maybe(|make| format!(r#""period":{}"#, make.period())),
        ];
        resource("Encounter", &format!("e{n}"), parts)
    }

    pub(super) fn condition(&mut self, n: usize) -> String {
        let parts = [
            self.maybe(|make| format!(r#""code":{}"#, make.concept())),
            Some(format!(r#""subject":{{"reference":"Patient/p{}"}}"#, self.0.usize(..PATIENTS))),
            self.maybe(Self::encounter_of),
            self.one_in(3).then(|| format!(r#""asserter":{}"#, self.somebody())),
            self.maybe(|make| match make.0.usize(..3) {
                0 => format!(r#""onsetPeriod":{}"#, make.period()),
                1 => format!(r#""onsetString":"{}""#, make.pick(&WORDS)),
                _ => format!(r#""onsetDateTime":"{}""#, make.time()),
            }),
        ];
        resource("Condition", &format!("c{n}"), parts)
    }

    pub(super) fn risk(&mut self, n: usize) -> String {
        let prediction =
            |make: &mut Self| format!(r#"{{"probabilityDecimal":{}}}"#, make.pick(&NUMBERS));
        let parts = [
            Some(r#""status":"final""#.to_owned()),
            Some(format!(r#""subject":{{"reference":"Patient/p{}"}}"#, self.0.usize(..PATIENTS))),
            self.maybe(|make| format!(r#""prediction":[{}]"#, make.list(2, prediction))),
        ];
        resource("RiskAssessment", &format!("r{n}"), parts)
    }

    pub(super) fn questionnaire(&mut self, n: usize) -> String {
        let parts = [
            Some(r#""status":"active""#.to_owned()),
            self.maybe(|make| format!(r#""url":"{}""#, make.pick(&URLS))),
        ];
        resource("Questionnaire", &format!("q{n}"), parts)
    }

    pub(super) fn response(&mut self, n: usize) -> String {
        let of = |make: &mut Self| {
            let version = match make.one_in(4) {
                true => String::new(),
                false => format!("|{}", make.pick(&VERSIONS)),
            };
            format!(r#""questionnaire":"{}{version}""#, make.pick(&URLS))
        };
        let status = Some(r#""status":"completed""#.to_owned());
        let parts = [status, self.maybe(of), self.maybe(Self::subject)];
        resource("QuestionnaireResponse", &format!("a{n}"), parts)
    }
}
