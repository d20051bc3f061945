//! Numbers, quantities, composites and modifiers, with the specification's own examples.
//! <https://hl7.org/fhir/R4/search.html>

use anyhow::Result;
use it::Fixture;

use crate::search::{check, ids};

/// A server that holds these resources.
pub(crate) async fn holding(all: &[&str]) -> Result<Fixture> {
    let server = Fixture::start().await?;
    for body in all {
        let body = body.replace("BASE", &server.client.base);
        let value = canonical_model::json::parse(body.as_bytes())?;
        let part = |name: &str| value.get(name).and_then(|v| v.as_str()).unwrap_or_default();
        let path = format!("/{}/{}", part("resourceType"), part("id"));
        let answer = server.client.send("PUT", &path, &body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    Ok(server)
}

/// A risk, by its probability.
fn risk(id: &str, probability: &str) -> String {
    format!(
        r#"{{"resourceType":"RiskAssessment","id":"{id}","status":"final","subject":{{"reference":"Patient/p"}},
        "prediction":[{{"probabilityDecimal":{probability}}}]}}"#
    )
}

/// The specification's table of numbers, and what lies at its borders.
#[tokio::test]
async fn numbers() -> Result<()> {
    let values = [
        "100",
        "100.2",
        "99.5",
        "100.5",
        "94.9",
        "95",
        "104.9",
        "105",
        "100.00",
        "0.1234567890123456789",
    ];
    let all: Vec<String> =
        values.iter().enumerate().map(|(n, value)| risk(&format!("n{n}"), value)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    check(
        &server,
        &[
            ("RiskAssessment?probability=100", "n0,n1,n2,n8"),
            ("RiskAssessment?probability=100.00", "n0,n8"),
            ("RiskAssessment?probability=1e2", "n0,n1,n2,n3,n5,n6,n8"),
            ("RiskAssessment?probability=lt100", "n2,n4,n5,n9"),
            ("RiskAssessment?probability=le100", "n0,n2,n4,n5,n8,n9"),
            ("RiskAssessment?probability=gt100", "n1,n3,n6,n7"),
            ("RiskAssessment?probability=ge100", "n0,n1,n3,n6,n7,n8"),
            ("RiskAssessment?probability=ne100", "n3,n4,n5,n6,n7,n9"),
            ("RiskAssessment?probability=ap100", "n0,n1,n2,n3,n4,n5,n6,n7,n8"),
            ("RiskAssessment?probability=sa100&probability=eb104.9", "n1,n3"),
            ("RiskAssessment?probability=95,105", "n4,n5,n6,n7"),
            ("RiskAssessment?probability=0.1234567890123456789", "n9"),
            ("RiskAssessment?probability=ne0.1234567890123456789&probability=lt1", ""),
            ("RiskAssessment?probability:missing=true", ""),
            ("RiskAssessment?probability=many", "400"),
            ("RiskAssessment?probability=1e999", "400"),
            ("RiskAssessment?probability=5|x|y", "400"),
            ("RiskAssessment?probability:exact=5", "400"),
            ("RiskAssessment?_sort=-probability&probability=gt100", "n7,n6,n3,n1"),
        ],
    )
    .await
}

/// An observation of a quantity.
fn measured(id: &str, quantity: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final",
        "code":{{"coding":[{{"system":"http://loinc.org","code":"15074-8"}}]}},"valueQuantity":{{{quantity}}}}}"#
    )
}

const UCUM: &str = "http://unitsofmeasure.org";

#[tokio::test]
async fn quantities() -> Result<()> {
    let ucum = |value: &str, code: &str| {
        format!(r#""value":{value},"unit":"{code}","system":"{UCUM}","code":"{code}""#)
    };
    let all = [
        measured("q0", &ucum("5.4", "mg")),
        measured("q1", &ucum("0.0054", "g")),
        measured("q2", &ucum("5400", "ug")),
        measured("q3", &ucum("5.4", "mL")),
        measured("q4", r#""value":5.4,"unit":"mg""#),
        measured("q5", r#""value":5.4,"system":"http://units.example","code":"mg""#),
        measured("q6", &format!(r#""comparator":">","value":5,"system":"{UCUM}","code":"mg""#)),
        measured("q7", r#""value":5.4"#),
        measured("q8", &ucum("5.4", "[iU]")),
        measured("q9", &ucum("37", "Cel")),
    ];
    let server = holding(&all.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let cases = [
        ("value-quantity=5.4|UCUM|mg", "q0,q1,q2"),
        ("value-quantity=5.40|UCUM|mg", "q0,q1,q2"),
        ("value-quantity=5.40e-3|UCUM|g", "q0,q1,q2"),
        ("value-quantity=5.41|UCUM|mg", ""),
        ("value-quantity=gt5.4|UCUM|mg", "q6"),
        ("value-quantity=ge5.4|UCUM|mg", "q0,q1,q2,q6"),
        ("value-quantity=lt0.0055|UCUM|g", "q0,q1,q2,q6"),
        ("value-quantity=ap5|UCUM|mg", "q0,q1,q2,q6"),
        ("value-quantity=5.4||mg", "q0,q4,q5"),
        ("value-quantity=5.4|http://units.example|mg", "q5"),
        ("value-quantity=5.4", "q0,q3,q4,q5,q7,q8"),
        ("value-quantity=5.4|UCUM|[iU]", "q8"),
        ("value-quantity=98.60|UCUM|[degF]", "q9"),
        ("value-quantity=5.4|UCUM|nonsense", ""),
        ("value-quantity=5.4|UCUM|", "400"),
        ("value-quantity=5.4|mg", "400"),
        ("combo-value-quantity=5.4|UCUM|mg", "q0,q1,q2"),
        ("code-value-quantity=15074-8$5.4|UCUM|mg", "q0,q1,q2"),
        ("code-value-quantity=http://loinc.org|15074-8$lt5.5|UCUM|mg", "q0,q1,q2,q6"),
        ("code-value-quantity=http://else|15074-8$lt5.5|UCUM|mg", ""),
        ("combo-code-value-quantity=15074-8$gt5.4|UCUM|mg", "q6"),
        ("code-value-quantity=15074-8$5.4", "q0,q3,q4,q5,q7,q8"),
        ("code-value-quantity=15074-8", "400"),
        ("code-value-quantity=15074-8$", "400"),
    ];
    let cases: Vec<(String, &str)> = cases
        .iter()
        .map(|(query, found)| (format!("Observation?{}", query.replace("UCUM", UCUM)), *found))
        .collect();
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(query, found)| (query.as_str(), *found)).collect();
    check(&server, &cases).await
}

const PRESSURE: &str = r#"{"resourceType":"Observation","id":"bp","status":"final","code":{"coding":[{"code":"85354-9"}]},
    "component":[
    {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":107,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
    {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":60,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
    {"code":{"coding":[{"code":"position"}]},"valueCodeableConcept":{"coding":[{"system":"http://p","code":"sitting"}]}}]}"#;

/// The parts must hold of one element.
#[tokio::test]
async fn composites() -> Result<()> {
    let server = holding(&[
        PRESSURE,
        r#"{"resourceType":"Observation","id":"eye","status":"final","code":{"coding":[{"code":"eye"}]},
        "valueCodeableConcept":{"coding":[{"system":"http://c","code":"blue"},{"code":"light"}]}}"#,
        r#"{"resourceType":"Observation","id":"note","status":"final","code":{"coding":[{"code":"note"}]},"valueString":"Über alles"}"#,
        r#"{"resourceType":"Observation","id":"when","status":"final","code":{"coding":[{"code":"when"}]},"valueDateTime":"2024-05-05"}"#,
        r#"{"resourceType":"DocumentReference","id":"doc","status":"current","content":[{"attachment":{"url":"http://x"}}],
        "relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/old"}},{"code":"appends","target":{"reference":"DocumentReference/other"}}]}"#,
        r#"{"resourceType":"Group","id":"g","type":"person","actual":true,"characteristic":[
        {"code":{"coding":[{"code":"gender"}]},"valueCodeableConcept":{"coding":[{"code":"female"}]},"exclude":false},
        {"code":{"coding":[{"code":"smoker"}]},"valueBoolean":true,"exclude":false}]}"#,
        r#"{"resourceType":"MolecularSequence","id":"m","coordinateSystem":0,"referenceSeq":{"chromosome":{"coding":[{"code":"2"}]},"windowStart":100,"windowEnd":200},
        "variant":[{"start":10,"end":20},{"start":30,"end":40}]}"#,
    ])
    .await?;
    let mm = "http://unitsofmeasure.org|mm[Hg]";
    let cases = [
        (format!("Observation?component-code-value-quantity=8480-6$gt100|{mm}"), "bp"),
        (format!("Observation?component-code-value-quantity=8462-4$gt100|{mm}"), ""),
        (format!("Observation?combo-code-value-quantity=http://loinc.org|8462-4$60|{mm}"), "bp"),
        (format!("Observation?code-value-quantity=8480-6$gt100|{mm}"), ""),
        (
            "Observation?component-code-value-quantity=8480-6$gt0.1|http://unitsofmeasure.org|m[Hg]"
                .into(),
            "bp",
        ),
        ("Observation?component-code-value-concept=position$sitting".into(), "bp"),
        ("Observation?combo-code-value-concept=position$http://p|sitting".into(), "bp"),
        ("Observation?component-code-value-concept=8480-6$sitting".into(), ""),
        ("Observation?code-value-concept=eye$http://c|blue".into(), "eye"),
        ("Observation?code-value-concept=eye$http://c|light".into(), ""),
        ("Observation?code-value-concept=eye$http://c|".into(), "eye"),
        ("Observation?code-value-concept=eye$green,eye$light".into(), "eye"),
        ("Observation?combo-code-value-concept=eye$light".into(), "eye"),
        ("Observation?code-value-string=note$uber".into(), "note"),
        ("Observation?code-value-string=eye$uber".into(), ""),
        ("Observation?code-value-date=when$ge2024-05".into(), "when"),
        ("Observation?code-value-date=when$lt2024-05".into(), ""),
        ("DocumentReference?relationship=replaces$old".into(), "doc"),
        ("DocumentReference?relationship=appends$DocumentReference/old".into(), ""),
        ("Group?characteristic-value=gender$female".into(), "g"),
        ("Group?characteristic-value=smoker$female".into(), ""),
        ("Group?characteristic-value=smoker$true".into(), "g"),
        ("MolecularSequence?chromosome-variant-coordinate=2$ge10$le20".into(), "m"),
        ("MolecularSequence?chromosome-variant-coordinate=2$ge30$le20".into(), ""),
        ("MolecularSequence?chromosome-window-coordinate=2$100$200".into(), "m"),
    ];
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(query, found)| (query.as_str(), *found)).collect();
    check(&server, &cases).await
}

const PERSON: &str = r#"{"resourceType":"Patient","id":"p","meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"],
    "source":"http://a.example/feed#1","tag":[{"system":"http://t","code":"x"}],"security":[{"code":"R"}]},
    "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Tall <b>Stranger</b></div>"},
    "name":[{"family":"Müller","given":["Anna"]}],
    "identifier":[{"type":{"coding":[{"system":"http://v2","code":"MR"}],"text":"Medical record"},"system":"http://m","value":"446053"}],
    "generalPractitioner":[{"identifier":{"system":"http://npi","value":"77"}}]}"#;

/// One modifier after the other.
#[tokio::test]
async fn modifiers() -> Result<()> {
    let server = holding(&[
        PERSON,
        r#"{"resourceType":"Patient","id":"q","name":[{"family":"muller"}],"identifier":[{"type":{"coding":[{"system":"http://v2","code":"SS"}]},"value":"446053"}]}"#,
        r#"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"code":{"text":"Chronic headache","coding":[{"system":"http://s","code":"1","display":"Migräne"}]}}"#,
        r#"{"resourceType":"ValueSet","id":"v","status":"active","url":"http://acme.org/fhir/ValueSet/123/history"}"#,
        r#"{"resourceType":"Library","id":"l","status":"draft","type":{"text":"x"},"relatedArtifact":[{"type":"depends-on","resource":"http://acme.org/Library/z|2.0"}]}"#,
        r#"{"resourceType":"List","id":"list","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/q"}},{"item":{"reference":"Condition/c"}}]}"#,
    ])
    .await?;
    check(
        &server,
        &[
            ("Patient?family=muller", "p,q"),
            ("Patient?family:exact=Müller", "p"),
            ("Patient?family:exact=muller", "q"),
            ("Patient?family:exact=Muller", ""),
            ("Patient?family:exact=Müller,muller", "p,q"),
            ("Patient?name:exact=Anna", "p"),
            ("Patient?family:contains=LLE", "p,q"),
            ("Patient?identifier:of-type=http://v2|MR|446053", "p"),
            ("Patient?identifier:of-type=http://v2|SS|446053", "q"),
            ("Patient?identifier:of-type=http://v2|MR|1", ""),
            ("Patient?identifier:of-type=MR|446053", "400"),
            ("Patient?identifier:text=medical", "p"),
            ("Condition?code:text=headache", "c"),
            ("Condition?code:text=MIGRANE", "c"),
            ("Condition?code:text=nothing", ""),
            ("Condition?code:not=http://s|1", ""),
            ("Condition?code:not=http://s|2", "c"),
            ("Patient?general-practitioner:identifier=http://npi|77", "p"),
            ("Patient?general-practitioner:identifier=77", "p"),
            ("Patient?general-practitioner:identifier=http://else|77", ""),
            ("ValueSet?url=http://acme.org/fhir/ValueSet/123/history", "v"),
            ("ValueSet?url:below=http://acme.org/fhir", "v"),
            ("ValueSet?url:below=http://acme.org/fh", ""),
            ("ValueSet?url:above=http://acme.org/fhir/ValueSet/123/history/5", "v"),
            ("ValueSet?url:above=http://acme.org/fhir", ""),
            ("Library?depends-on=http://acme.org/Library/z", "l"),
            ("Library?depends-on=http://acme.org/Library/z|2.0", "l"),
            ("Library?depends-on=http://acme.org/Library/z|1.0", ""),
            (
                "Patient?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",
                "p",
            ),
            ("Patient?_profile:below=http://hl7.org/fhir/us/core", "p"),
            ("Patient?_source=http://a.example/feed%231", "p"),
            ("Patient?_tag=http://t|x", "p"),
            ("Patient?_security=R", "p"),
            ("Patient?_tag:not=http://t|x", "q"),
            ("Patient?_text=stranger", "p"),
            ("Patient?_text=stranger+tall", "p"),
            ("Patient?_text=div", ""),
            ("Patient?_content=446053", "p,q"),
            ("Patient?_list=list", "q"),
            ("Condition?_list=list", "c"),
            ("Patient?_list=nolist", ""),
            ("Patient?_query=x", "400"),
            (r"Patient?family=mu\ller", "400"),
            ("Patient?_sort=-family", "q,p"),
            ("Patient?_sort=-identifier,_id", "p,q"),
            ("Patient?_sort=general-practitioner,-_id", "q,p"),
        ],
    )
    .await
}

/// <https://hl7.org/fhir/R4/search_filter.html>
#[tokio::test]
async fn filters() -> Result<()> {
    let server = holding(&[PERSON, r#"{"resourceType":"Patient","id":"q","name":[{"family":"Smith"}],"birthDate":"1980-05-05","gender":"male"}"#]).await?;
    check(
        &server,
        &[
            ("Patient?_filter=family eq \"Smith\"", "q"),
            ("Patient?_filter=family eq \"Smit\"", ""),
            ("Patient?_filter=identifier eq \"http://m|446053\"", "p"),
            ("Patient?_filter=family sw smi or family co ULL", "p,q"),
            ("Patient?_filter=family eq smith and (birthdate gt 1981 or gender eq male)", "q"),
            ("Patient?_filter=not (family eq smith)", "p"),
            ("Patient?_filter=birthdate pr true", "q"),
            ("Patient?_filter=birthdate po 1980-05", "q"),
            ("Patient?_filter=gender ne male", "p"),
            ("Patient?_filter=family eq smith&gender=female", ""),
            ("Patient?_filter=family", "400"),
            ("Patient?_filter=family eq smith and", "400"),
            ("Patient?_filter=(family eq smith", "400"),
            ("Patient?_filter=family like smith", "400"),
            ("Patient?_filter=famly eq smith", "400"),
            // An operator that the parameter's kind does not have is not another search.
            ("Patient?_filter=family gt M", "400"),
            ("Patient?_filter=gender ge male", "400"),
            ("Patient?_filter=general-practitioner lt 5", "400"),
            ("Patient?_filter=identifier sw 446", "400"),
            ("Patient?_filter=birthdate sw 1980", "400"),
            ("Patient?_filter=family po 1980", "400"),
            ("Patient?_filter=family re Smith", "400"),
            ("Patient?_filter=_id gt a", "400"),
            ("Patient?_filter=_id eq q", "q"),
            ("Patient?_filter=birthdate eq ge1970", "400"),
            ("Patient?_filter=birthdate ne ap1970", "400"),
            ("Patient?_filter=birthdate gt ge1970", "400"),
            ("Patient?_filter=_lastUpdated eq ge1970", "400"),
            ("Patient?_filter=_lastUpdated ge 1970", "p,q"),
            ("Patient?_filter=_lastUpdated po 1970", ""),
        ],
    )
    .await
}

#[tokio::test]
async fn positions() -> Result<()> {
    let at = |id: &str, latitude: &str, longitude: &str| {
        format!(
            r#"{{"resourceType":"Location","id":"{id}","position":{{"latitude":{latitude},"longitude":{longitude}}}}}"#
        )
    };
    let all = [
        at("boston", "42.3601", "-71.0589"),
        at("cambridge", "42.3736", "-71.1097"),
        at("fiji", "-17.7134", "179.99"),
    ];
    let server = holding(&all.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    check(
        &server,
        &[
            ("Location?near=42.36|-71.06|1|km", "boston"),
            ("Location?near=42.36|-71.06|5|km", "boston,cambridge"),
            ("Location?near=42.36|-71.06|3|[mi_i]", "boston,cambridge"),
            ("Location?near=42.36|-71.06", "boston,cambridge"),
            ("Location?near=-17.7134|-179.99|5|km", "fiji"),
            ("Location?near=91|0|5|km", "400"),
            ("Location?near=42.36|-71.06|5|kg", "400"),
            ("Location?near=here", "400"),
        ],
    )
    .await
}

/// What has only extensions, as one for the reason why there is no value, has none.
#[tokio::test]
async fn an_element_without_a_value_is_missing() -> Result<()> {
    let why = r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#;
    let without = format!(
        r#"{{"resourceType":"Patient","id":"without","_gender":{why},"_birthDate":{why},"name":[{{"_family":{why}}}],
            "maritalStatus":{why},"generalPractitioner":[{why}]}}"#
    );
    let with = r#"{"resourceType":"Patient","id":"with","gender":"male","birthDate":"1980","name":[{"family":"A"}],
        "generalPractitioner":[{"display":"B"}]}"#;
    let server = holding(&[&without, with]).await?;
    for code in ["gender", "birthdate", "family", "name", "general-practitioner"] {
        for (missing, expected) in [(true, "without"), (false, "with")] {
            check(&server, &[(&format!("Patient?{code}:missing={missing}"), expected)]).await?;
        }
    }
    Ok(())
}

/// Below the element too, and of a composite where a part is.
#[tokio::test]
async fn a_value_is_missing_where_none_is_below_it() -> Result<()> {
    let why = r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#;
    let observation = |id: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"code":"x"}}]}}{value}}}"#
        )
    };
    let all = [
        observation("none", ""),
        observation("coded", r#","valueCodeableConcept":{"coding":[{"code":"y"}]}"#),
        observation(
            "uncoded",
            &format!(r#","valueCodeableConcept":{{"coding":[{{"_code":{why}}},{why}]}}"#),
        ),
        observation("measured", r#","valueQuantity":{"value":5}"#),
        observation("unmeasured", &format!(r#","valueQuantity":{{"_value":{why}}}"#)),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    for (code, found) in [
        ("value-concept", "coded"),
        ("value-quantity", "measured"),
        ("code-value-concept", "coded"),
        ("code-value-quantity", "measured"),
        ("combo-code-value-quantity", "measured"),
        ("code", "coded,measured,none,uncoded,unmeasured"),
    ] {
        check(&server, &[(&format!("Observation?{code}:missing=false&_sort=_id"), found)]).await?;
    }
    Ok(())
}

/// A probability may be a Range, in any unit or none: found whatever leads the search.
#[tokio::test]
async fn a_number_that_is_a_range_is_found() -> Result<()> {
    let range = |id: &str, unit: &str| {
        format!(
            r#"{{"resourceType":"RiskAssessment","id":"{id}","status":"final","subject":{{"reference":"Patient/p"}},
            "prediction":[{{"probabilityRange":{{"low":{{"value":60{unit}}},"high":{{"value":80{unit}}}}}}}]}}"#
        )
    };
    let percent = r#","unit":"%","system":"http://unitsofmeasure.org","code":"%""#;
    let all = [risk("dec", "0.7"), range("unit", percent), range("bare", "")];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    for (value, expected) in
        [("gt50", "bare,unit"), ("ge50", "bare,unit"), ("lt90", "bare,dec,unit"), ("lt1", "dec")]
    {
        for with in ["", "&subject=Patient/p", "&_id=dec,unit,bare"] {
            let search = format!("/RiskAssessment?probability={value}{with}");
            let found = ids(&server.client.get(&search).await?);
            let mut found: Vec<&str> = found.split(',').collect();
            found.sort_unstable();
            assert_eq!(found.join(","), expected, "{search}");
        }
    }
    Ok(())
}
