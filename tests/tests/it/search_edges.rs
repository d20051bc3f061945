//! Search at its edges: what a value, a modifier or a query's size must not do.

use anyhow::Result;
use it::{Answer, Fixture};

use crate::bad_input::refused;
use crate::search::{ids, stocked};

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
