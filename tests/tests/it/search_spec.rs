//! The specification's own examples of prefixes and modifiers, each as a resource, a request, and whether
//! it matches. <https://hl7.org/fhir/R4/search.html>

use anyhow::Result;
use it::Answer;

use crate::search::ids;
use crate::search_values::holding;

/// A resource of the example.
enum Of {
    /// An Observation of this time: an instant, a date, or a period.
    Time(&'static str),
    /// A Patient with these members.
    Patient(&'static str),
    /// A Condition with this code.
    Condition(&'static str),
    /// An Observation of this subject.
    Subject(&'static str),
    /// An Observation of this value.
    Value(&'static str),
    /// A ValueSet with this URL.
    ValueSet(&'static str),
    /// A QuestionnaireResponse to this.
    Answers(&'static str),
}

use Of::{Answers, Condition, Patient, Subject, Time, Value, ValueSet};

const FROM_JANUARY: Of = Time(r#""effectivePeriod":{"start":"2013-01-21"}"#);
const FROM_MID_MARCH: Of = Time(r#""effectivePeriod":{"start":"2013-03-15"}"#);
const UNTIL_JANUARY: Of = Time(r#""effectivePeriod":{"end":"2013-01-21"}"#);
const ON_14_JANUARY: Of = Time(r#""effectiveDateTime":"2013-01-14""#);
const AT_MIDNIGHT: Of = Time(r#""effectiveDateTime":"2013-01-14T00:00:00Z""#);
const AT_TEN: Of = Time(r#""effectiveDateTime":"2013-01-14T10:00:00Z""#);
const NEXT_DAY: Of = Time(r#""effectiveDateTime":"2013-01-15T00:00:00Z""#);
const ON_14_MARCH: Of = Time(r#""effectiveDateTime":"2013-03-14""#);
const IN_2015: Of = Time(r#""effectiveDateTime":"2015-01-21""#);

const EVE: Of = Patient(r#""name":[{"given":["Eve"]}]"#);
const EVELYN: Of = Patient(r#""name":[{"given":["Evelyn"]}]"#);
const SEVERINE: Of = Patient(r#""name":[{"given":["Severine"]}]"#);
const LOWER_EVE: Of = Patient(r#""name":[{"given":["eve"]}]"#);
const UPPER_EVE: Of = Patient(r#""name":[{"given":["EVE"]}]"#);
const MALE: Of = Patient(r#""gender":"male""#);
const NO_GENDER: Of = Patient("");
const ACME: Of = Patient(r#""identifier":[{"system":"http://acme.org/patient","value":"2345"}]"#);
const RECORD: Of = Patient(
    r#""identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":"446053"}]"#,
);
const INSURED: Of = Patient(
    r#""identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"SB"}]},"value":"446053"}]"#,
);

const HA125: Of =
    Condition(r#"{"coding":[{"system":"http://acme.org/conditions/codes","code":"ha125"}]}"#);
const HA125_ELSEWHERE: Of =
    Condition(r#"{"coding":[{"system":"http://else.org/codes","code":"ha125"}]}"#);
const HA125_ALONE: Of = Condition(r#"{"coding":[{"code":"ha125"}]}"#);
const HEADACHE: Of = Condition(r#"{"text":"Severe Headache"}"#);

const MG: Of =
    Value(r#"{"value":5.4,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}"#);
const IN_GRAMS: Of = Value(r#"{"value":0.0054,"system":"http://unitsofmeasure.org","code":"g"}"#);
const MG_BY_UNIT: Of = Value(r#"{"value":5.4,"unit":"mg"}"#);
const NEARLY: Of = Value(r#"{"value":5.44,"system":"http://unitsofmeasure.org","code":"mg"}"#);
const TWICE: Of = Value(r#"{"value":10.8,"system":"http://unitsofmeasure.org","code":"mg"}"#);

const V1: Of = Answers("http://acme.org/Questionnaire/pain|1");
const V12: Of = Answers("http://acme.org/Questionnaire/pain|1.2");
const V123: Of = Answers("http://acme.org/Questionnaire/pain|1.2.3");
const V13: Of = Answers("http://acme.org/Questionnaire/pain|1.3");
const NO_VERSION: Of = Answers("http://acme.org/Questionnaire/pain");

/// What is asked of the type, what of these matches, and what does not.
type Case = (&'static str, &'static [Of], &'static [Of]);

const CASES: &[Case] = &[
    // Prefixes on dates.
    ("date=eq2013-01-14", &[AT_MIDNIGHT, AT_TEN, ON_14_JANUARY], &[NEXT_DAY, FROM_JANUARY]),
    ("date=ne2013-01-14", &[NEXT_DAY, FROM_JANUARY], &[AT_MIDNIGHT, AT_TEN, ON_14_JANUARY]),
    ("date=lt2013-01-14T10:00", &[ON_14_JANUARY, AT_MIDNIGHT], &[AT_TEN, NEXT_DAY]),
    ("date=gt2013-01-14T10:00", &[ON_14_JANUARY, NEXT_DAY], &[AT_TEN, AT_MIDNIGHT]),
    ("date=ge2013-03-14", &[FROM_JANUARY, FROM_MID_MARCH, ON_14_MARCH], &[UNTIL_JANUARY, AT_TEN]),
    ("date=le2013-03-14", &[FROM_JANUARY, ON_14_MARCH, UNTIL_JANUARY], &[FROM_MID_MARCH]),
    ("date=sa2013-03-14", &[FROM_MID_MARCH], &[FROM_JANUARY, ON_14_MARCH]),
    ("date=eb2013-03-14", &[UNTIL_JANUARY, AT_TEN], &[FROM_MID_MARCH, FROM_JANUARY, ON_14_MARCH]),
    ("date=ap2013-03-14", &[ON_14_MARCH, FROM_JANUARY], &[IN_2015]),
    ("date=ge2013-01-14&date=le2013-01-31", &[AT_TEN, ON_14_JANUARY], &[IN_2015]),
    // Strings.
    ("given=eve", &[EVE, EVELYN, LOWER_EVE, UPPER_EVE], &[SEVERINE]),
    ("given:contains=eve", &[EVE, EVELYN, SEVERINE, UPPER_EVE], &[MALE]),
    ("given:exact=Eve", &[EVE], &[LOWER_EVE, UPPER_EVE, EVELYN]),
    // Tokens.
    ("gender=male", &[MALE], &[NO_GENDER]),
    ("gender:not=male", &[NO_GENDER], &[MALE]),
    ("gender:missing=true", &[NO_GENDER], &[MALE]),
    ("gender:missing=false", &[MALE], &[NO_GENDER]),
    ("identifier=http://acme.org/patient|2345", &[ACME], &[RECORD]),
    ("identifier=http://acme.org/patient|", &[ACME], &[RECORD]),
    ("identifier=|446053", &[RECORD], &[ACME]),
    (
        "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053",
        &[RECORD],
        &[INSURED],
    ),
    ("code=http://acme.org/conditions/codes|ha125", &[HA125], &[HA125_ELSEWHERE, HA125_ALONE]),
    ("code=ha125", &[HA125, HA125_ELSEWHERE, HA125_ALONE], &[HEADACHE]),
    ("code=|ha125", &[HA125_ALONE], &[HA125, HA125_ELSEWHERE]),
    ("code:text=headache", &[HEADACHE], &[HA125]),
    // References.
    (
        "subject=Patient/23",
        &[Subject("Patient/23"), Subject("BASE/Patient/23")],
        &[Subject("Group/23")],
    ),
    ("subject=23", &[Subject("Patient/23"), Subject("Group/23")], &[Subject("Patient/24")]),
    ("subject:Patient=23", &[Subject("Patient/23")], &[Subject("Group/23")]),
    (
        "subject=http://acme.org/fhir/Patient/23",
        &[Subject("http://acme.org/fhir/Patient/23")],
        &[Subject("Patient/23")],
    ),
    // Quantities.
    (
        "value-quantity=5.4|http://unitsofmeasure.org|mg",
        &[MG, IN_GRAMS, NEARLY],
        &[MG_BY_UNIT, TWICE],
    ),
    ("value-quantity=5.40e-3|http://unitsofmeasure.org|g", &[MG, IN_GRAMS], &[TWICE, NEARLY]),
    ("value-quantity=5.4||mg", &[MG, MG_BY_UNIT], &[TWICE]),
    ("value-quantity=5.4", &[MG, MG_BY_UNIT], &[TWICE, IN_GRAMS]),
    ("value-quantity=le5.4|http://unitsofmeasure.org|mg", &[MG, IN_GRAMS], &[TWICE, NEARLY]),
    ("value-quantity=gt5.4|http://unitsofmeasure.org|mg", &[TWICE, NEARLY], &[MG]),
    ("value-quantity=ap5|http://unitsofmeasure.org|mg", &[MG, NEARLY], &[TWICE]),
    // Uris.
    (
        "url=http://acme.org/fhir/ValueSet/123",
        &[ValueSet("http://acme.org/fhir/ValueSet/123")],
        &[ValueSet("http://acme.org/fhir/ValueSet/1234"), ValueSet("http://acme.org/fhir")],
    ),
    (
        "url:below=http://acme.org/fhir/",
        &[ValueSet("http://acme.org/fhir/ValueSet/123"), ValueSet("http://acme.org/fhir")],
        &[ValueSet("http://acme.org/fhirs"), ValueSet("http://acme.org")],
    ),
    (
        "url:above=http://acme.org/fhir/ValueSet/123/_history/5",
        &[ValueSet("http://acme.org/fhir/ValueSet/123"), ValueSet("http://acme.org/fhir")],
        &[ValueSet("http://acme.org/fhir/ValueSet/12")],
    ),
    (
        "url=urn:oid:1.2.3.4.5",
        &[ValueSet("urn:oid:1.2.3.4.5")],
        &[ValueSet("urn:oid:1.2.3.4"), ValueSet("urn:oid:1.2.3.4.5.6")],
    ),
    // Canonicals and their versions.
    ("questionnaire=http://acme.org/Questionnaire/pain", &[V1, V12, V123, V13, NO_VERSION], &[]),
    ("questionnaire=http://acme.org/Questionnaire/pain|1.2", &[V12], &[V1, V123, NO_VERSION]),
    ("questionnaire:below=http://acme.org/Questionnaire/pain|1.2", &[V12, V123], &[V1, V13]),
    (
        "questionnaire:below=http://acme.org/Questionnaire/pain|1",
        &[V1, V12, V123, V13],
        &[NO_VERSION],
    ),
    ("questionnaire:above=http://acme.org/Questionnaire/pain|1.2.3", &[V1, V12, V123], &[V13]),
    ("questionnaire:above=http://acme.org/Questionnaire/pain|1.2", &[V1, V12], &[V123, NO_VERSION]),
];

impl Of {
    fn kind(&self) -> &'static str {
        match self {
            Time(_) | Subject(_) | Value(_) => "Observation",
            Patient(_) => "Patient",
            Condition(_) => "Condition",
            ValueSet(_) => "ValueSet",
            Answers(_) => "QuestionnaireResponse",
        }
    }

    fn body(&self, id: &str) -> String {
        let observed = |rest: &str| format!(r#""status":"final","code":{{"text":"x"}},{rest}"#);
        let members = match self {
            Time(time) => observed(time),
            Subject(name) => observed(&format!(r#""subject":{{"reference":"{name}"}}"#)),
            Value(quantity) => observed(&format!(r#""valueQuantity":{quantity}"#)),
            Patient("") => r#""active":true"#.to_owned(),
            Patient(members) => (*members).to_owned(),
            Condition(code) => format!(r#""code":{code},"subject":{{"reference":"Patient/x"}}"#),
            ValueSet(url) => format!(r#""status":"active","url":"{url}""#),
            Answers(url) => format!(r#""status":"completed","questionnaire":"{url}""#),
        };
        format!(r#"{{"resourceType":"{}","id":"{id}",{members}}}"#, self.kind())
    }
}

#[tokio::test]
async fn examples() -> Result<()> {
    let mut all = Vec::new();
    let mut requests = Vec::new();
    for (n, (query, matching, others)) in CASES.iter().enumerate() {
        let kind = matching.first().map(Of::kind).unwrap_or_default();
        let own: Vec<String> =
            (0..matching.len() + others.len()).map(|m| format!("c{n}-{m}")).collect();
        for (of, id) in matching.iter().chain(*others).zip(&own) {
            assert_eq!(of.kind(), kind, "{query}");
            all.push(of.body(id));
        }
        let expected = own.iter().take(matching.len()).cloned().collect::<Vec<_>>().join(",");
        requests.push((
            *query,
            format!("/{kind}?{query}&_id={}&_sort=_id", own.join(",")),
            expected,
        ));
    }
    let server = holding(&all.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let mut wrong = Vec::new();
    for (query, url, expected) in requests {
        let request = server.client.request("GET", &url).header("prefer", "handling=strict");
        let found = ids(&Answer::of(request).await?);
        if found != expected {
            wrong.push(format!("{query}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Canonicals among uris, and what is no version.
#[tokio::test]
async fn versions_of_canonicals() -> Result<()> {
    let server = holding(&[
        r#"{"resourceType":"Patient","id":"p","meta":{"profile":["http://acme.org/Profile/a|1.2.3"]}}"#,
        r#"{"resourceType":"Patient","id":"q","meta":{"profile":["http://acme.org/Profile/a"]}}"#,
        r#"{"resourceType":"Patient","id":"r","meta":{"profile":["http://acme.org/Profile/a|2.0"]}}"#,
    ])
    .await?;
    crate::search::check(
        &server,
        &[
            ("Patient?_profile=http://acme.org/Profile/a", "p,q,r"),
            ("Patient?_profile=http://acme.org/Profile/a|1.2.3", "p"),
            ("Patient?_profile=http://acme.org/Profile/a|1.2", ""),
            ("Patient?_profile:below=http://acme.org/Profile/a|1.2", "p"),
            (
                "Patient?_profile:below=http://acme.org/Profile/a|1.2,http://acme.org/Profile/a|2",
                "p,r",
            ),
            ("Patient?_profile:above=http://acme.org/Profile/a|2.0.1", "r"),
            ("Patient?_profile:below=http://acme.org/Profile", "p,q,r"),
            ("Patient?_profile:above=http://acme.org/Profile/a/b", "p,q,r"),
            ("Patient?_profile:below=http://acme.org/Profile/a|", "400"),
            ("QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/pain", "400"),
            ("Observation?subject:below=Patient/p", "400"),
            ("Patient?_summary=text&_include=Patient:organization", "400"),
        ],
    )
    .await
}
