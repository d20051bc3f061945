//! Nothing is moved from one patient to another by who may write for one of them alone, whichever way it is written.

use anyhow::Result;
use it::{Answer, Client};
use serde_json::{Value, json};

use crate::alike::{SEEN, Side, put};

/// An Observation of these elements that say whose it is.
fn observation(id: &str, whose: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"code":"a"}}]}}{whose}}}"#
    )
}

fn subject(patient: &str) -> String {
    format!(r#","subject":{{"reference":"Patient/{patient}"}}"#)
}

/// An app that a clinician opened for one patient.
fn launched() -> Value {
    json!({ "scope": "patient/*.cruds", "patient": "p", "fhirUser": "Practitioner/d", "roles": ["clinician"] })
}

async fn send(client: &Client, method: &str, path: &str, body: &str) -> Result<Answer> {
    let media_type = match body.starts_with('[') {
        true => "application/json-patch+json",
        false => "application/fhir+json",
    };
    let request = client.request(method, path).header("content-type", media_type);
    Answer::of(request.body(body.to_owned())).await
}

#[tokio::test]
async fn what_is_of_one_patient_stays_so() -> Result<()> {
    let side = Side::of(&SEEN, &launched()).await?;
    let (app, whole) = (&side.limited, &side.server.client);
    put(
        whole,
        &observation(
            "both",
            &format!(r#"{},"performer":[{{"reference":"Patient/q"}}]"#, subject("p")),
        ),
    )
    .await?;
    let to_q = r#"[{"op":"replace","path":"/subject/reference","value":"Patient/q"}]"#;
    let by_path =
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" },
        { "name": "path", "valueString": "Observation.subject" },
        { "name": "value", "valueReference": { "reference": "Patient/q" } } ] }] })
        .to_string();
    let shared = format!(r#"{},"performer":[{{"reference":"Patient/q"}}]"#, subject("p"));
    let linked = r#"{"resourceType":"Patient","id":"p","link":[{"type":"seealso","other":{"reference":"Patient/q"}}]}"#;
    for (method, path, body, status) in [
        ("PUT", "/Observation/o1", observation("o1", &subject("q")), 403),
        ("PUT", "/Observation/o1", observation("o1", &shared), 403),
        ("PUT", "/Observation/o1", observation("o1", ""), 403),
        ("PATCH", "/Observation/o1", to_q.to_owned(), 403),
        ("PATCH", "/Observation/o1", r#"[{"op":"remove","path":"/subject"}]"#.to_owned(), 403),
        ("PATCH", "/Observation/o1", by_path, 403),
        ("PUT", "/Observation?code=a&_id=o1", observation("o1", &subject("q")), 403),
        ("PATCH", "/Observation?_id=o1", to_q.to_owned(), 403),
        // And what is another's is not taken over.
        ("PUT", "/Observation/o2", observation("o2", &subject("p")), 403),
        ("PATCH", "/Observation/o2", to_q.replace("Patient/q", "Patient/p"), 404),
        ("PUT", "/Patient/q", r#"{"resourceType":"Patient","id":"q"}"#.to_owned(), 403),
        ("PUT", "/Patient/p", linked.to_owned(), 403),
        ("POST", "/Observation", observation("", &subject("q")).replace(r#""id":"","#, ""), 403),
        // One that is of both is read by who may read either, and not written.
        ("GET", "/Observation/both", String::new(), 200),
    ] {
        let answer = send(app, method, path, &body).await?;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text);
    }
    for kind in ["transaction", "batch"] {
        let resource: Value = serde_json::from_str(&observation("o1", &subject("q")))?;
        let entry = json!({ "resource": resource, "request": { "method": "PUT", "url": "Observation/o1" } });
        let own: Value = serde_json::from_str(&observation("own", &subject("p")))?;
        let own =
            json!({ "resource": own, "request": { "method": "PUT", "url": "Observation/own" } });
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [own, entry] });
        let answer = send(app, "POST", "/", &bundle.to_string()).await?;
        let status = match kind {
            "batch" => answer.text_at("entry.1.response.status"),
            _ => answer.status.to_string(),
        };
        assert!(status.starts_with("403"), "{kind}: {}", answer.text);
        let written = whole.get("/Observation/own").await?.status;
        assert_eq!(written, if kind == "batch" { 200 } else { 404 }, "{kind}");
    }
    for id in ["o1", "o2", "both"] {
        assert_eq!(whole.get(&format!("/Observation/{id}")).await?.version(), 1, "{id}");
    }
    for id in ["p", "q"] {
        assert_eq!(whole.get(&format!("/Patient/{id}")).await?.version(), 1, "{id}");
    }
    Ok(())
}
