//! What a right does not become by a detour: an answer given again, a change, an error.

use anyhow::{Context, Result};
use it::{Answer, Client};
use serde_json::{Value, json};

use crate::alike::{SEEN, Side, found_in, put};

const JSON_PATCH: &str = r#"[{"op":"add","path":"/language","value":"en"}]"#;

fn of_patient(patient: &str, scope: &str) -> Value {
    json!({ "scope": scope, "patient": patient, "roles": ["proxy"], "fhirUser": "RelatedPerson/r" })
}

async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: &str,
    headers: &[(&'static str, &str)],
) -> Result<Answer> {
    let media_type =
        if method == "PATCH" { "application/json-patch+json" } else { "application/fhir+json" };
    let mut request = client.request(method, path).header("content-type", media_type);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(body.to_owned())).await
}

/// An `Idempotency-Key` is no right to what the first request was answered with.
#[tokio::test]
async fn an_answer_given_again_reaches_no_further_than_its_token() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let known = r#"{"resourceType":"Observation","id":"k","identifier":[{"system":"urn:k","value":"77"}],"status":"final","code":{"text":"told"},"subject":{"reference":"Patient/p"}}"#;
    put(&side.server.client, known).await?;
    let entry = |method: &str, url: &str, more: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{{"resourceType":"Observation",{more}"status":"final","code":{{"text":"new"}},"subject":{{"reference":"Patient/p"}}}},"request":{{"method":"{method}","url":"{url}"{}}}}}]}}"#,
            if method == "POST" { r#","ifNoneExist":"identifier=urn:k|77""# } else { "" }
        )
    };
    let existing = entry("POST", "Observation", "");
    let whole = side.bearing(&of_patient("p", "patient/Observation.cruds"))?;
    let first = send(&whole, "POST", "", &existing, &[("idempotency-key", "a")]).await?;
    assert!(first.status == 200 && first.text.contains("told"), "{}", first.text);
    let again = send(&whole, "POST", "", &existing, &[("idempotency-key", "a")]).await?;
    assert_eq!((again.status, again.text), (200, first.text), "it is given again to whom it was");
    for (name, claims) in [
        ("another patient's", of_patient("q", "patient/Observation.cruds")),
        ("without search", of_patient("p", "patient/Observation.c")),
        ("of what meets something else", of_patient("p", "patient/Observation.cruds?code=other")),
    ] {
        let other = side.bearing(&claims)?;
        let answer = send(&other, "POST", "", &existing, &[("idempotency-key", "a")]).await?;
        assert!(answer.status == 403 && !answer.text.contains("told"), "{name}: {}", answer.text);
    }
    let labelled = known.replace(
        r#""status""#,
        r#""meta":{"security":[{"system":"urn:l","code":"SDV"}]},"status""#,
    );
    put(&side.server.client, &labelled).await?;
    let answer = send(&whole, "POST", "", &existing, &[("idempotency-key", "a")]).await?;
    assert!(answer.status == 403 && !answer.text.contains("told"), "a label: {}", answer.text);
    Ok(())
}

/// Whoever reaches one of a resource's patients reads it; to change it would change it for the others.
#[tokio::test]
async fn what_is_of_two_patients_is_changed_by_nobody_who_reaches_one() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let both = r#"{"resourceType":"Appointment","id":"both","identifier":[{"system":"urn:k","value":"1"}],"status":"booked","participant":[{"actor":{"reference":"Patient/p"},"status":"accepted"},{"actor":{"reference":"Patient/q"},"status":"accepted"}]}"#;
    let one = both.replace(r#",{"actor":{"reference":"Patient/q"},"status":"accepted"}"#, "");
    let linked = r#"{"resourceType":"Patient","id":"linked","link":[{"other":{"reference":"Patient/p"},"type":"seealso"}]}"#;
    for text in [both, linked] {
        put(&side.server.client, text).await?;
    }
    let bundle = |method: &str, resource: &str| {
        let resource =
            if resource.is_empty() { String::new() } else { format!(r#""resource":{resource},"#) };
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{{resource}"request":{{"method":"{method}","url":"Appointment/both"}}}}]}}"#
        )
    };
    let patch = format!(
        r#"{{"resourceType":"Binary","contentType":"application/json-patch+json","data":"{}"}}"#,
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, JSON_PATCH)
    );
    for scope in
        ["patient/*.cruds", "patient/Appointment.cruds?status=booked patient/Patient.cruds"]
    {
        let client = side.bearing(&of_patient("p", scope))?;
        assert_eq!(client.get("/Appointment/both").await?.status, 200, "{scope}: it is read");
        for (method, path, body) in [
            ("PUT", "/Appointment/both", one.clone()),
            ("PUT", "/Appointment?identifier=urn:k|1", one.replace(r#""id":"both","#, "")),
            ("PATCH", "/Appointment/both", JSON_PATCH.to_owned()),
            ("PATCH", "/Appointment?identifier=urn:k|1", JSON_PATCH.to_owned()),
            ("DELETE", "/Appointment/both", String::new()),
            ("DELETE", "/Appointment?identifier=urn:k|1", String::new()),
            ("DELETE", "/Patient/linked", String::new()),
            ("POST", "", bundle("PUT", &one)),
            ("POST", "", bundle("PATCH", &patch)),
            ("POST", "", bundle("DELETE", "")),
        ] {
            let answer = send(&client, method, path, &body, &[]).await?;
            assert_eq!(answer.status, 403, "{scope}: {method} {path}: {}", answer.text);
        }
    }
    let kept = side.server.client.get("/Appointment/both").await?;
    assert!(kept.version() == 1 && kept.text.contains("Patient/q"), "{}", kept.text);
    // Who reaches both may.
    let clinician =
        json!({ "scope": "user/*.cruds", "fhirUser": "Practitioner/d", "roles": ["clinician"] });
    assert_eq!(
        send(&side.bearing(&clinician)?, "PUT", "/Appointment/both", &one, &[]).await?.status,
        200
    );
    Ok(())
}

/// A patch is written without knowing the rest.
#[tokio::test]
async fn to_patch_is_not_to_read() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let secret = SEEN[3].replace(r#""code":{"#, r#""note":[{"text":"not told"}],"code":{"#);
    put(&side.server.client, &secret).await?;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{{"resourceType":"Binary","contentType":"application/json-patch+json","data":"{}"}},"request":{{"method":"PATCH","url":"Observation/o1"}}}}]}}"#,
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, JSON_PATCH)
    );
    for (scope, told) in [("patient/Observation.u", false), ("patient/Observation.ru", true)] {
        let client = side.bearing(&of_patient("p", scope))?;
        // What changes something, and what changes nothing.
        for (method, path, body) in [
            ("PATCH", "/Observation/o1", JSON_PATCH),
            ("PATCH", "/Observation/o1", JSON_PATCH),
            ("POST", "", &bundle),
        ] {
            let headers = [("idempotency-key", &*format!("{scope}{path}{method}"))];
            for headers in [&[][..], &headers, &headers] {
                let answer = send(&client, method, path, body, headers).await?;
                assert_eq!(answer.status, 200, "{scope} {path}: {}", answer.text);
                let has = answer.text.contains("not told");
                // A bundle answers with what it did.
                let right = if told { has || path.is_empty() } else { !has };
                assert!(right, "{scope} {path}: {}", answer.text);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_stored_under_an_id_of_the_record() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let event = r#"{"resourceType":"AuditEvent","id":"j-1764500000000000-7-0","type":{"code":"rest"},"recorded":"2026-01-01T00:00:00Z","agent":[{"requestor":true,"who":{"reference":"Practitioner/x"}}],"source":{"observer":{"display":"x"}}}"#;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{event},"request":{{"method":"PUT","url":"AuditEvent?agent=Practitioner/x"}}}}]}}"#
    );
    for (method, path, body) in [
        ("PUT", "/AuditEvent/j-1764500000000000-7-0", event),
        ("PUT", "/AuditEvent?agent=Practitioner/x", event),
        ("POST", "", &bundle),
    ] {
        let answer = send(&side.server.client, method, path, body, &[]).await?;
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
    }
    assert_eq!(found_in(&side.server.client.get("/AuditEvent").await?), 0);
    Ok(())
}

/// The record is not asked by the parameters of a scope, so a scope with some reaches none of it.
#[tokio::test]
async fn a_narrowed_scope_does_not_open_the_record() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let patient = |scope: &str| {
        side.bearing(&json!({ "scope": scope, "patient": "p", "fhirUser": "Patient/p", "roles": ["patient"] }))
    };
    for (scope, status) in [
        ("patient/AuditEvent.rs", 200),
        ("patient/AuditEvent.rs?date=1999", 403),
        ("patient/AuditEvent.rs?date=1999 patient/AuditEvent.rs", 200),
    ] {
        for path in ["/AuditEvent/$journal", "/Patient/p/$access-report"] {
            let answer = patient(scope)?.get(path).await?;
            assert_eq!(answer.status, status, "{scope} {path}: {}", answer.text);
        }
    }
    Ok(())
}

/// Which types others have resources of is no business of who searches all types.
#[tokio::test]
async fn an_error_tells_nothing_of_what_others_have() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let client = side.bearing(&of_patient("p", "patient/*.rs"))?;
    let paths = ["/?code=zzz", "/?_sort=date", "/Patient/p/*?date=2024", "/?zzz=1", "/?_tag=a"];
    let asked = async || -> Result<Vec<(u16, String)>> {
        let mut answers = Vec::new();
        for path in paths {
            let answer = client.get(path).await?;
            let said = match answer.status {
                200 => found_in(&answer).to_string(),
                _ => answer.text.clone(),
            };
            answers.push((answer.status, said));
        }
        Ok(answers)
    };
    let before = asked().await?;
    for kind in ["Account", "Claim", "DiagnosticReport", "Basic"] {
        let registry = conformance::Registry::r4();
        let kind = canonical_model::ResourceType::find(kind).context("a type")?;
        assert!(!registry.patient_compartment(kind).is_empty(), "{kind}");
        let other = crate::canary_world::World {
            id: "other",
            word: "other",
            date: "2024-01-01",
            number: 7,
        };
        put(&side.server.client, &other.resource(kind).context("a resource")?).await?;
    }
    assert_eq!(asked().await?, before);
    Ok(())
}
