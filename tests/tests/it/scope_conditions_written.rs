//! What a client with a constraint writes meets it before and after, alone and in bundles.

use anyhow::Result;
use it::Answer;
use serde_json::json;

use crate::alike::{LAB, Side, VITAL, observation, same};
use crate::scope_conditions::constrained;

#[tokio::test]
async fn what_is_written_meets_it_before_and_after() -> Result<()> {
    let sides = constrained().await?;
    let to_vital = r#"[{"op":"replace","path":"/category/0/coding/0/code","value":"vital"}]"#;
    let (lab, vital) = (observation("", LAB), observation("", VITAL));
    let o1 = |rest: &str| observation("o1", rest);
    for (method, path, body, status) in [
        ("POST", "/Observation", vital.as_str(), 403),
        ("POST", "/Observation", &lab, 201),
        ("PUT", "/Observation/n1", &observation("n1", VITAL), 403),
        ("PUT", "/Observation/n1", &observation("n1", LAB), 201),
        ("PUT", "/Observation/o1", &o1(VITAL), 403),
        ("PATCH", "/Observation/o1", to_vital, 403),
        ("PUT", "/Observation?identifier=urn:i|canary", &vital, 403),
        ("PATCH", "/Observation?identifier=urn:i|canary", to_vital, 404),
        ("DELETE", "/Observation?identifier=urn:i|canary", "", 204),
        ("DELETE", "/Observation/x1", "", 204),
        ("PATCH", "/Observation/x1", to_vital, 404),
        ("PUT", "/Observation/o1", &o1(LAB), 200),
        ("GET", "/Observation?_sort=_id&_total=accurate", "", 200),
    ] {
        assert_eq!(same(&sides, method, path, body).await?.status, status, "{method} {path}");
    }
    // Criteria that only something else meets find nothing.
    for side in &sides {
        let request = side
            .limited
            .request("POST", "/Observation")
            .header("if-none-exist", "identifier=urn:i|canary");
        let request = request.header("content-type", "application/fhir+json").body(lab.clone());
        assert_eq!(Answer::of(request).await?.status, 201);
        let created = same_put(side, "/Observation?identifier=urn:i|canary", &lab).await?;
        assert_eq!(created.status, 201, "{}", created.text);
    }
    // An id that is taken is refused as one outside, and stays as it was, whatever its writer says of it.
    let taken = &sides[0];
    for (if_match, body) in [
        ("", observation("x1", LAB)),
        ("W/\"1\"", observation("x1", LAB)),
        ("W/\"7\"", observation("x1", VITAL)),
    ] {
        let request = taken
            .limited
            .request("PUT", "/Observation/x1")
            .header("content-type", "application/fhir+json");
        let request =
            if if_match.is_empty() { request } else { request.header("if-match", if_match) };
        assert_eq!(Answer::of(request.body(body)).await?.status, 403, "{if_match}");
    }
    for (id, code) in [("x1", "vital"), ("o1", "lab")] {
        let now = taken.server.client.get(&format!("/Observation/{id}")).await?;
        assert_eq!(now.text_at("category.0.coding.0.code"), code, "{}", now.text);
    }
    assert_eq!(taken.server.client.get("/Observation/x1").await?.version(), 1);
    // What was deleted meets nothing: its reader is not told that it was there.
    assert_eq!(same(&sides, "DELETE", "/Observation/o2", "").await?.status, 204);
    assert_eq!(same(&sides, "GET", "/Observation/o2", "").await?.status, 404);
    assert_eq!(same(&sides, "GET", "/Observation/o2/_history/1", "").await?.status, 200);
    Ok(())
}

async fn same_put(side: &Side, path: &str, body: &str) -> Result<Answer> {
    side.limited.send("PUT", path, body).await
}

#[tokio::test]
async fn entries_of_bundles_are_no_other_way() -> Result<()> {
    let sides = constrained().await?;
    let bundle = |kind: &str, entries: &[serde_json::Value]| {
        json!({ "resourceType": "Bundle", "type": kind, "entry": entries }).to_string()
    };
    let ask = |method: &str, url: &str| json!({ "request": { "method": method, "url": url } });
    let write = |method: &str, url: &str, text: &str| -> Result<serde_json::Value> {
        let resource: serde_json::Value = serde_json::from_str(text)?;
        Ok(json!({ "resource": resource, "request": { "method": method, "url": url } }))
    };
    let reads = [
        ask("GET", "Observation/x1"),
        ask("GET", "Observation/x1/_history/1"),
        ask("GET", "Observation?code=canary&_total=accurate"),
        ask("GET", "Patient?_has:Observation:subject:code=canary"),
        ask("GET", "Observation?_id=o1&_include=Observation:derived-from"),
        ask("GET", "Observation/_history"),
        ask("DELETE", "Observation/x1"),
        write("POST", "Observation", &observation("", VITAL))?,
        write("PUT", "Observation/o1", &observation("o1", VITAL))?,
        write("POST", "Observation", &observation("", LAB))?,
    ];
    let answer = same(&sides, "POST", "/", &bundle("batch", &reads)).await?;
    let statuses: Vec<String> =
        (0..reads.len()).map(|n| answer.text_at(&format!("entry.{n}.response.status"))).collect();
    let codes: Vec<&str> =
        statuses.iter().map(|status| status.get(..3).unwrap_or_default()).collect();
    let expected = ["404", "404", "200", "200", "200", "200", "204", "403", "403", "201"];
    assert_eq!(codes, expected, "{}", answer.text);
    let refers =
        observation("", LAB).replace("Patient/p", "Patient?_has:Observation:subject:code=canary");
    let derived = observation(
        "",
        &format!(r#"{LAB},"derivedFrom":[{{"reference":"Observation?identifier=urn:i|canary"}}]"#),
    );
    for (entry, status) in [
        (ask("GET", "Observation/x1"), 404),
        (write("POST", "Observation", &observation("", VITAL))?, 403),
        (write("PUT", "Observation/o1", &observation("o1", VITAL))?, 403),
        (write("PUT", "Observation?identifier=urn:i|canary", &observation("", VITAL))?, 403),
        (write("POST", "Observation", &derived)?, 412),
        (write("POST", "Observation", &refers)?, 412),
        (ask("DELETE", "Observation/x1"), 200),
        (ask("DELETE", "Observation?identifier=urn:i|canary"), 200),
        (write("PUT", "Observation/o2", &observation("o2", LAB))?, 200),
        (
            json!({ "resource": serde_json::from_str::<serde_json::Value>(&observation("", LAB))?,
            "request": { "method": "POST", "url": "Observation", "ifNoneExist": "identifier=urn:i|canary" } }),
            200,
        ),
    ] {
        let answer =
            same(&sides, "POST", "/", &bundle("transaction", std::slice::from_ref(&entry))).await?;
        assert_eq!(answer.status, status, "{entry}: {}", answer.text);
    }
    let taken = write("PUT", "Observation/x1", &observation("x1", LAB))?;
    let answer = sides[0].limited.send("POST", "/", &bundle("transaction", &[taken])).await?;
    assert_eq!(answer.status, 403, "{}", answer.text);
    let now = sides[0].server.client.get("/Observation/x1").await?;
    assert_eq!((now.version(), now.text_at("category.0.coding.0.code").as_str()), (1, "vital"));
    Ok(())
}
