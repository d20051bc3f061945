//! Search at its edges: what a value, a modifier or a query's size must not do.

use anyhow::Result;
use it::{Answer, Fixture};

use crate::bad_input::refused;
use crate::search::{check, ids, stocked};
use crate::search_values::holding;

async fn found(server: &Fixture, query: &str) -> Result<String> {
    let request = server.client.request("GET", &format!("/{query}"));
    let answer = Answer::of(request.header("prefer", "handling=strict")).await?;
    Ok(if answer.status == 200 { ids(&answer) } else { answer.status.to_string() })
}

async fn all(cases: &[(&str, &str)]) -> Result<()> {
    let server = stocked().await?;
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let found = found(&server, query).await?;
        if found != *expected {
            wrong.push(format!("{query}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn patient_is_no_group() -> Result<()> {
    all(&[
        ("Observation?patient=a&_sort=_id", "o1,o3,o6"),
        ("Observation?patient=a,b&_sort=_id", "o1,o2,o3,o6"),
        ("Observation?patient=a&code=1234-5&_sort=_id", "o1,o3"),
        ("Observation?patient=Group/a", ""),
    ])
    .await
}

#[tokio::test]
async fn modifiers_of_id_and_last_updated() -> Result<()> {
    all(&[
        ("Patient?_id:not=a&_sort=_id", "400"),
        ("Patient?_id:missing=true", "400"),
        ("Patient?_id:missing=false&_sort=_id", "400"),
        ("Patient?_lastUpdated:missing=true", "400"),
    ])
    .await
}

#[tokio::test]
async fn a_value_that_folds_to_nothing() -> Result<()> {
    all(&[("Patient?name=%CC%81", "400"), ("Patient?name=%20", "400")]).await
}

#[tokio::test]
async fn a_missing_date_is_last_on_the_timeline() -> Result<()> {
    all(&[
        ("Observation?category=vital&_sort=date", "o3,o1,o6"),
        ("Observation?patient=Patient/a&category=vital&_sort=date", "o3,o1,o6"),
    ])
    .await
}

#[tokio::test]
async fn queries_too_large_for_the_database() -> Result<()> {
    let server = stocked().await?;
    let many = ["a"; 1_000].join(",");
    for (name, path, body) in [
        ("2,000 sorts", "Patient", format!("_sort={}", ["birthdate"; 2_000].join(","))),
        ("30,000 names", "Patient", vec![format!("name={many}"); 30].join("&")),
        (
            "1,000 of 64 elements",
            "MolecularSequence",
            format!("chromosome-window-coordinate={}", ["2$1$2"; 1_000].join(",")),
        ),
        ("1,000 of any type", "Observation", format!("focus={many}")),
    ] {
        let request = server
            .client
            .request("POST", &format!("/{path}/_search"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        refused(&server, name, request, 400).await;
    }
    Ok(())
}

/// Parts of two elements must not pass for those of one, however many there are.
#[tokio::test]
async fn elements_of_a_composite_are_told_apart_or_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let sequence = |count: usize| {
        let variants: Vec<String> = (0..count)
            .map(|n| n * 1_000)
            .map(|n| format!(r#"{{"start":{n},"end":{}}}"#, n + 10))
            .collect();
        format!(
            r#"{{"resourceType":"MolecularSequence","id":"m","coordinateSystem":0,
            "referenceSeq":{{"chromosome":{{"coding":[{{"code":"2"}}]}},"windowStart":1,"windowEnd":2}},
            "variant":[{}]}}"#,
            variants.join(",")
        )
    };
    let most = search::limits::TIED_ELEMENTS_MAX;
    let crowded = server.client.send("PUT", "/MolecularSequence/m", &sequence(most + 1)).await?;
    assert_eq!(crowded.status, 422, "{}", crowded.text);
    assert!(crowded.text.contains("64 elements"), "{}", crowded.text);
    let kept = server.client.send("PUT", "/MolecularSequence/m", &sequence(most)).await?;
    assert_eq!(kept.status, 201, "{}", kept.text);
    for (value, found) in [("63000$63010", 1), ("0$10", 1), ("63000$10", 0), ("0$63010", 0)] {
        let path = format!("/MolecularSequence?chromosome-variant-coordinate=2${value}");
        let answer = server.client.get(&path).await?;
        assert_eq!(
            (answer.status, answer.entries().len()),
            (200, found),
            "{path}: {}",
            answer.text
        );
    }
    Ok(())
}

/// A parameter that shares an index with a wider one finds its own alone.
#[tokio::test]
async fn patient_is_no_group_by_type_or_identifier() -> Result<()> {
    let subject = |id: &str, subject: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},"subject":{{{subject}}}}}"#
        )
    };
    let server = holding(&[
        &subject("p", r#""reference":"Patient/5","identifier":{"system":"http://m","value":"7"}"#),
        &subject("g", r#""reference":"Group/5","identifier":{"system":"http://m","value":"7"}"#),
        &subject("t", r#""type":"Patient","identifier":{"system":"http://n","value":"7"}"#),
    ])
    .await?;
    check(
        &server,
        &[
            ("Observation?patient:Group=5", "400"),
            ("Observation?patient:Group=Group/5", "400"),
            ("Observation?subject:Practitioner=5", "400"),
            ("Observation?patient:Patient=5", "p"),
            ("Observation?subject:Group=5", "g"),
            ("Observation?subject:identifier=7", "g,p,t"),
            ("Observation?subject:identifier=http://m|7", "g,p"),
            ("Observation?patient:identifier=7", "p,t"),
            ("Observation?patient:identifier=http://m|7", "p"),
            ("Observation?patient:identifier=http://n|", "t"),
            ("Observation?patient:identifier=|7", ""),
        ],
    )
    .await
}

/// What is no place on earth is kept, and near nothing.
#[tokio::test]
async fn a_place_that_is_none() -> Result<()> {
    let at = |id: &str, latitude: &str, longitude: &str| {
        format!(
            r#"{{"resourceType":"Location","id":"{id}","position":{{"latitude":{latitude},"longitude":{longitude}}}}}"#
        )
    };
    let server = holding(&[
        &at("a", "42", "-71"),
        &at("b", "42", "1000000000e300"),
        &at("c", "42", "181"),
        &at("d", "90.5", "10"),
    ])
    .await?;
    check(
        &server,
        &[
            ("Location?near=42|-71|10|km", "a"),
            ("Location?near=42|-179|200|km", ""),
            ("Location?near=90|10|100|km", ""),
        ],
    )
    .await
}

/// A `code` in a composite has its system by its binding too; one without a binding has none to ask for.
#[tokio::test]
async fn systems_of_codes_without_one() -> Result<()> {
    let document = |id: &str, more: &str| {
        format!(
            r#"{{"resourceType":"DocumentReference","id":"{id}","status":"current","content":[{{"attachment":{{"contentType":"text/plain"}}}}]{more}}}"#
        )
    };
    let related =
        r#","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/a"}}]"#;
    let server = holding(&[&document("a", ""), &document("b", related)]).await?;
    let system = "http://hl7.org/fhir/document-relationship-type";
    for (code, found) in [("replaces", "b"), ("signs", ""), ("", "b")] {
        let query = format!("DocumentReference?relationship={system}|{code}$DocumentReference/a");
        check(&server, &[(query.as_str(), found)]).await?;
    }
    check(
        &server,
        &[
            ("DocumentReference?relationship=replaces$DocumentReference/a", "b"),
            ("DocumentReference?relationship=http://else.example|replaces$DocumentReference/a", ""),
            ("DocumentReference?contenttype=text/plain", "a,b"),
            ("DocumentReference?contenttype=urn:ietf:bcp:13|text/plain", "400"),
        ],
    )
    .await
}

/// A canonical may name a resource here, with its version; links lead along references, not canonicals.
#[tokio::test]
async fn canonicals_of_resources_here() -> Result<()> {
    let response = |id: &str, to: &str| {
        format!(
            r#"{{"resourceType":"QuestionnaireResponse","id":"{id}","status":"completed","questionnaire":"{to}"}}"#
        )
    };
    let server = holding(&[
        r#"{"resourceType":"Questionnaire","id":"q","status":"active","url":"http://a.example/q"}"#,
        &response("a", "BASE/Questionnaire/q|1.2"),
        &response("b", "BASE/Questionnaire/q"),
        &response("c", "http://a.example/q|1.2"),
    ])
    .await?;
    check(
        &server,
        &[
            ("QuestionnaireResponse?questionnaire=BASE/Questionnaire/q", "a,b"),
            ("QuestionnaireResponse?questionnaire=Questionnaire/q", "a,b"),
            ("QuestionnaireResponse?questionnaire=BASE/Questionnaire/q|1.2", "a"),
            ("QuestionnaireResponse?questionnaire=BASE/Questionnaire/q|1", ""),
            ("QuestionnaireResponse?questionnaire:below=BASE/Questionnaire/q|1", "a"),
            ("QuestionnaireResponse?questionnaire:above=BASE/Questionnaire/q|1.2.3", "a"),
            ("QuestionnaireResponse?questionnaire=http://a.example/q", "c"),
            ("QuestionnaireResponse?questionnaire.status=active", "400"),
            ("QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire", "400"),
            ("Questionnaire?_revinclude=QuestionnaireResponse:questionnaire", "400"),
            ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", "400"),
        ],
    )
    .await
}
