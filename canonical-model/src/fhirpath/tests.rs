//! Expressions in tables: what each yields over a few resources.

mod computed;
mod invariants;
mod property;
mod refusals;

use super::fake::FAKE;
use super::*;
use crate::json::{self, Value};

const PATIENT: &str = r##"{
    "resourceType": "Patient", "id": "p1",
    "extension": [
        {"url": "http://a.example/birth-sex", "valueCode": "F"},
        {"url": "http://a.example/other", "valueString": "x"}
    ],
    "contained": [
        {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Who"}]},
        {"resourceType": "Group", "id": "g", "name": "A group"}
    ],
    "active": true,
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}],
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": [null, "Jim"], "_given": [{"id": "unknown"}, null, {"id": "more"}]}
    ],
    "telecom": [
        {"system": "phone", "value": "1", "rank": 2},
        {"system": "email", "value": "a@a.example"}
    ],
    "gender": "female",
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://a.example/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "_deceasedDateTime": {"extension": [{"url": "http://a.example/absent", "valueCode": "unknown"}]},
    "contact": [{"name": {"family": "Marché"}, "gender": "male"}],
    "generalPractitioner": [
        {"reference": "#doc"},
        {"reference": "https://a.example/fhir/Practitioner/7", "display": "away"},
        {"reference": "Organization/1"},
        {"type": "PractitionerRole", "identifier": {"value": "3"}},
        {"display": "nobody"}
    ]
}"##;

const OBSERVATION: &str = r#"{
    "resourceType": "Observation", "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}], "text": "BP"},
    "subject": {"reference": "Patient/p1"},
    "effectivePeriod": {"start": "2024-01-01", "end": "2024-01-02"},
    "valueQuantity": {"value": 120.50, "unit": "mmHg", "code": "mm[Hg]"},
    "component": [
        {"valueQuantity": {"value": 1.0}}, {"valueString": "two"},
        {"valueCodeableConcept": {"text": "three"}}
    ]
}"#;

const BUNDLE: &str = r#"{
    "resourceType": "Bundle", "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "a", "name": [{"family": "A"}]}},
        {"resource": {"resourceType": "Practitioner", "id": "b", "name": [{"family": "B"}]}},
        {"resource": {"resourceType": "Group", "id": "c", "name": "C"}}
    ]
}"#;

const CONDITION: &str = r#"{"resourceType": "Condition", "onsetAge": {"value": 3, "code": "a"}}"#;

fn read(text: &str) -> Value {
    json::parse(text.as_bytes()).expect(text)
}

/// `type=value` for every item, with `~` for what has extensions only.
fn render(items: &[Item<'_>]) -> String {
    let one = |item: &Item<'_>| {
        let text = match (item.value, item.extension) {
            (Value::Null, Some(_)) => "~".into(),
            (Value::String(text), _) => text.to_string(),
            (other, _) => other.to_text(),
        };
        format!("{}={text}", item.type_name)
    };
    items.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Whatever is asked of it: by `evaluate`, which may compute, and by `eval`, which may not.
fn check(resource: &str, cases: &[(&str, &str)]) {
    computes(resource, cases);
    let resource = read(resource);
    for (expression, expected) in cases {
        let path = compiled(expression, &resource);
        assert_eq!(render(&path.eval(&resource)), *expected, "{expression}");
    }
}

fn computes(resource: &str, cases: &[(&str, &str)]) {
    let resource = read(resource);
    for (expression, expected) in cases {
        let (path, arena) = (compiled(expression, &resource), Arena::new());
        let items = path.evaluate(&resource, &arena).expect(expression);
        assert_eq!(render(&items), *expected, "{expression}");
    }
}

fn compiled(expression: &str, resource: &Value) -> Path {
    let kind = resource.get("resourceType").and_then(Value::as_str).expect("a type");
    Path::compile(expression, kind, &*FAKE).expect(expression)
}

#[test]
fn follows_paths() {
    check(
        PATIENT,
        &[
            ("Patient.id", "id=p1"),
            ("Resource.id", "id=p1"),
            ("DomainResource.id | id", "id=p1"),
            ("id", "id=p1"),
            ("$this.id", "id=p1"),
            ("%resource.id", "id=p1"),
            ("Patient.name.family", "string=Chalmers"),
            ("Patient.name.given", "string=Peter string=James string=~ string=Jim string=~"),
            ("Patient.name[0].given[1]", "string=James"),
            ("Patient.name.given[1]", "string=James"),
            ("Patient.name[5].given", ""),
            ("Patient.contact.name.family", "string=Marché"),
            ("Patient.`contact`.gender", "code=male"),
            ("Patient.maritalStatus.coding", ""),
            ("Observation.code", ""),
            ("Observation.code | Patient.gender", "code=female"),
            ("Patient.telecom.where(system = 'email').value", "string=a@a.example"),
            (
                "Patient.telecom.where(system='email' or rank=2).value",
                "string=1 string=a@a.example",
            ),
            ("Patient.telecom.where(rank = 2.0).value", "string=1"),
            ("name.where(use='usual').given.first()", "string=~"),
            ("name.select(given.last())", "string=James string=~"),
            ("Patient.extension('http://a.example/birth-sex').value", "code=F"),
            ("Patient.extension('http://a.example/birth-sex').value.ofType(string)", "code=F"),
            ("Patient.extension.where(url='http://a.example/other').value as string", "string=x"),
            (
                "Patient.birthDate.extension('http://a.example/time').value",
                "dateTime=1974-12-25T14:35:45-05:00",
            ),
            ("Patient.where(hasExtension('http://a.example/other')).gender", "code=female"),
            ("Patient.where(hasExtension('http://a.example/none')).gender", ""),
            ("(Patient.deceased as dateTime)", "dateTime=~"),
            ("Patient.deceased.as(boolean)", ""),
            ("// all of it\n Patient /* the\nname */ .gender", "code=female"),
        ],
    );
}

#[test]
fn fuses_choices() {
    check(
        OBSERVATION,
        &[
            ("(Observation.value as Quantity).value", "decimal=120.50"),
            ("Observation.value.ofType(Quantity).unit", "string=mmHg"),
            ("Observation.value.as(string)", ""),
            ("Observation.value.unit", "string=mmHg"),
            ("Observation.effective", r#"Period={"start":"2024-01-01","end":"2024-01-02"}"#),
            ("Observation.effective.start", "dateTime=2024-01-01"),
            (
                "(Observation.component.value as string) | (Observation.component.value as Quantity)",
                r#"string=two Quantity={"value":1.0}"#,
            ),
            ("Observation.component.value.text", "string=three"),
            ("Observation.component[0].value.ofType(Quantity).value", "decimal=1.0"),
            ("Observation.component.value.where($this is string)", "string=two"),
            ("Observation.component.value.first() as Quantity", r#"Quantity={"value":1.0}"#),
            ("Observation.component.value.first() as string", ""),
            ("Observation.value is Quantity", "boolean=true"),
            ("Observation.value.is(FHIR.string)", "boolean=false"),
        ],
    );
    check(
        CONDITION,
        &[
            ("Condition.onset.as(Age).value", "decimal=3"),
            ("Condition.onset.as(Quantity).value", "decimal=3"),
            (
                "Condition.onset.as(Age) | Condition.onset.as(Range)",
                r#"Age={"value":3,"code":"a"}"#,
            ),
            ("Condition.onset is Quantity", "boolean=true"),
        ],
    );
}

#[test]
fn resolves_references_by_their_text() {
    check(
        PATIENT,
        &[
            ("Patient.generalPractitioner.where(resolve() is Practitioner).display", "string=away"),
            (
                "Patient.generalPractitioner.where(resolve() is Practitioner).empty()",
                "boolean=false",
            ),
            (
                "generalPractitioner.where(resolve() is PractitionerRole).identifier.value",
                "string=3",
            ),
            ("Patient.generalPractitioner.resolve().name.family", "string=Who"),
            ("Patient.generalPractitioner.all(resolve() is Resource)", "boolean=false"),
            ("Patient.contained.name", r#"HumanName={"family":"Who"} string=A group"#),
            ("Patient.contained.ofType(Group).name", "string=A group"),
        ],
    );
    check(
        OBSERVATION,
        &[("Observation.subject.where(resolve() is Patient).reference", "string=Patient/p1")],
    );
}

#[test]
fn finds_any_resource() {
    check(
        BUNDLE,
        &[
            ("Bundle.entry[0].resource.id", "id=a"),
            ("Bundle.entry.resource.id", "id=a id=b id=c"),
            ("Bundle.entry.resource.name.family", "string=A string=B"),
            ("Bundle.entry.resource.ofType(Patient).name.family", "string=A"),
            ("Bundle.entry.resource.where($this is Group).name", "string=C"),
            ("Bundle.entry.resource.where($this is DomainResource).id", "id=a id=b id=c"),
        ],
    );
    let patient = read(PATIENT);
    for (expression, expected) in
        [("Patient.gender", "code=female"), ("Group.name", ""), ("Resource.id", "id=p1")]
    {
        let path = Path::compile(expression, "Resource", &*FAKE).expect(expression);
        assert_eq!(render(&path.eval(&patient)), expected, "{expression}");
    }
    let root = Path::compile("Bundle.entry[0].resource", "Bundle", &*FAKE).expect("a path");
    assert_eq!(root.eval(&read(BUNDLE))[0].type_name, "Patient");
}

#[test]
fn decides() {
    let cases = [
        ("Patient.deceased.exists() and Patient.deceased != false", ""),
        ("Patient.active = true", "true"),
        ("Patient.active.not()", "false"),
        ("gender = 'male'", "false"),
        ("gender != 'male'", "true"),
        ("gender in ('male' | 'female')", "true"),
        ("('male' | 'female') contains gender", "true"),
        ("{} = 1", ""),
        ("{} and false", "false"),
        ("{} and true", ""),
        ("false and {}", "false"),
        ("{} or true", "true"),
        ("{} or false", ""),
        ("true xor false", "true"),
        ("true xor {}", ""),
        ("false implies {}", "true"),
        ("true implies {}", ""),
        ("{} implies true", "true"),
        ("true implies false", "false"),
        ("true or false and false", "true"),
        ("1 = 1.0", "true"),
        ("1 < 1.01", "true"),
        ("'a' >= 'b'", "false"),
        ("birthDate < @1975", "true"),
        ("birthDate = @1974-12-25", "true"),
        ("birthDate = @1974-12", ""),
        ("birthDate != @1975-12", "true"),
        ("birthDate > @1974", ""),
        ("@T12:30 = @T12:30", "true"),
        ("4 'mg' < 5 'mg'", "true"),
        ("4 'mg' < 5 'g'", "true"),
        ("4 'mg' < 5 'cm'", ""),
        ("3 days = 3 'd'", "true"),
        ("12 months = 1 year", "true"),
        ("1 year = 1 'a'", ""),
        ("'A  b' ~ 'a B'", "true"),
        ("(1 | 2) ~ (2 | 1)", "true"),
        ("(1 | 2) = (2 | 1)", "false"),
        ("{} ~ {}", "true"),
        ("'a' !~ 'b'", "true"),
        ("name.exists(use = 'usual')", "true"),
        ("name.all(given.exists())", "true"),
        ("name.all(family.exists())", "false"),
        ("name.given.isDistinct()", "true"),
        ("name.empty()", "false"),
        ("birthDate.hasValue()", "true"),
        ("name.given.first().hasValue()", "true"),
        ("name[1].given.first().hasValue()", "false"),
        ("('a' | 'b').subsetOf('a' | 'b' | 'c')", "true"),
        ("('a' | 'b').supersetOf('a' | 'c')", "false"),
        ("(true | false).allTrue()", "false"),
        ("(true | false).anyTrue()", "true"),
        ("name.first().family.startsWith('Chal')", "true"),
        ("'abc'.contains('bc') and 'abc'.endsWith('c')", "true"),
        ("iif(active, gender = 'female', {})", "true"),
        ("iif(active.not(), true)", ""),
        ("Patient is Patient", "true"),
        ("Patient is FHIR.DomainResource", "true"),
        ("Patient is Observation", "false"),
        ("active is System.Boolean", "false"),
        ("name.trace('x').exists()", "true"),
    ];
    let cases = cases.map(|(expression, expected)| match expected {
        "" => (expression, String::new()),
        truth => (expression, format!("boolean={truth}")),
    });
    check(PATIENT, &cases.iter().map(|(e, x)| (*e, x.as_str())).collect::<Vec<_>>());
}

#[test]
fn shapes_collections() {
    computes(
        PATIENT,
        &[
            ("(1 | 2 | 2 | 1)", "integer=1 integer=2"),
            ("(1 | 2 | 3).tail()", "integer=2 integer=3"),
            ("(1 | 2 | 3).skip(1).take(1)", "integer=2"),
            ("(1 | 2 | 3).take(-1)", ""),
            ("(1 | 2 | 3).last()", "integer=3"),
            ("(1 | 2 | 3)[3]", ""),
            ("(1 | 2).combine(2 | 3)", "integer=1 integer=2 integer=2 integer=3"),
            ("(1 | 2).intersect(2 | 3)", "integer=2"),
            ("(1 | 2).exclude(2 | 3)", "integer=1"),
            ("(1).combine(1).distinct()", "integer=1"),
            ("(1 | 2).union(2 | 3)", "integer=1 integer=2 integer=3"),
            ("name.given.count()", "integer=5"),
            ("{}.count()", "integer=0"),
            ("1 + 2 * 3 - -4", "integer=11"),
            ("1.10 + 2", "decimal=3.10"),
            ("0.1 + 0.2", "decimal=0.3"),
            ("1 / 4", "decimal=0.25"),
            ("1 / 3", "decimal=0.3333333333333333"),
            ("7 div 2 + 7 mod 2", "integer=4"),
            ("-7 div 2", "integer=-3"),
            ("-7.5 mod 2", "decimal=-1.5"),
            ("1 / 0", ""),
            ("1 div 0", ""),
            ("1 + {}", ""),
            ("'a' + 'b'", "string=ab"),
            ("'a' & {} & 'b'", "string=ab"),
            ("-(1 + 2)", "integer=-3"),
            ("'12'.toInteger() + 1", "integer=13"),
            ("'x'.toInteger() + 1", ""),
            ("1.50.toString() + ''", "string=1.50"),
            ("true.toString() & active.toString()", "string=truetrue"),
            ("'+1.50'.toDecimal() + 1", "decimal=2.50"),
            ("'Yes'.toBoolean() and 0.toBoolean().not() and (1 + 1 = 2)", "boolean=true"),
            ("gender.upper() + 'X'.lower()", "string=FEMALEx"),
            ("' é '.length() + ' é '.trim().length()", "integer=4"),
            ("'abcé'.substring(1, 2) & 'abcé'.substring(3)", "string=bcé"),
            ("'abc'.substring(3) + ''", ""),
            ("'abcé'.indexOf('é') + 'a'.indexOf('b')", "integer=2"),
            ("'abc'.replace('b', 'xx') & ''", "string=axxc"),
            ("(-1.5).abs() + 0", "decimal=1.5"),
            ("(-1.5).floor() + (-1.5).ceiling() + (-1.5).truncate()", "integer=-4"),
            ("1.5.floor() + 1.5.ceiling() + 2.0.ceiling()", "integer=5"),
            ("name.given.count() * 2", "integer=10"),
        ],
    );
}

#[test]
fn knows_where_items_lie() {
    let patient = read(PATIENT);
    for (expression, expected) in [
        ("Patient", ""),
        ("Patient.gender", "gender"),
        ("Patient.name[1].given", "name 1 given 0, name 1 given 1, name 1 _given 2"),
        ("Patient.contact[0].name.family", "contact 0 name family"),
        ("Patient.telecom.where(system='email')", "telecom 1"),
        ("Patient.deceased", "_deceasedDateTime"),
        ("Patient.photo", "!"),
        ("Patient.name.count()", "!"),
        ("'female'", "!"),
    ] {
        let path = Path::compile(expression, "Patient", &*FAKE);
        let Ok(locations) = path.and_then(|path| path.locations(&patient)) else {
            assert_eq!(expected, "!", "{expression}");
            continue;
        };
        let place = |place: &Place| match place {
            Place::Key(key) => key.to_string(),
            Place::Index(index) => index.to_string(),
        };
        let one = |path: &Location| path.iter().map(place).collect::<Vec<_>>().join(" ");
        assert_eq!(
            locations.iter().map(one).collect::<Vec<_>>().join(", "),
            expected,
            "{expression}"
        );
    }
}

#[test]
fn items_know_their_surroundings() {
    let patient = read(PATIENT);
    let path = Path::compile("Patient.birthDate", "Patient", &*FAKE).expect("a path");
    let items = path.eval(&patient);
    assert!(items[0].extension.is_some());
    assert!(std::ptr::eq(items[0].parent.expect("a parent"), &patient));
    assert_eq!(path.types(), ["date"]);
    assert!(!path.is_empty());
    assert!(Path::compile("Group.name", "Patient", &*FAKE).expect("a path").is_empty());
    fn shared<T: Send + Sync>() {}
    shared::<Path>();
}
