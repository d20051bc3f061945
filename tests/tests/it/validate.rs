//! `$validate`: what is sent and what is stored, by mode and by profile, with the rights of the mode; and what is done
//! with faults on a write.

use anyhow::Result;
use base64::Engine as _;
use domain::{Faults, ValidationRule};
use it::{Answer, Client, Fixture, Signer};
use serde_json::{Value, json};

const BP: &str = "http://hl7.org/fhir/StructureDefinition/bp";
/// It breaks `cpt-2`: a value without its system.
const FAULTY: &str = r#"{"resourceType":"Patient","telecom":[{"value":"1"}]}"#;

/// The issues as `severity expression`.
fn told(answer: &Answer) -> Result<Vec<String>> {
    let outcome: Value = serde_json::from_str(&answer.text)?;
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", answer.text);
    let issues = outcome["issue"].as_array().cloned().unwrap_or_default();
    let line = |it: &Value| {
        let expression = it["expression"][0].as_str().unwrap_or_default();
        format!("{} {expression}", it["severity"].as_str().unwrap_or_default())
    };
    Ok(issues.iter().map(line).collect())
}

fn errors(answer: &Answer) -> Result<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut told = told(answer)?;
    told.retain(|it| it.starts_with("error"));
    Ok(told)
}

#[tokio::test]
async fn what_is_sent_is_judged() -> Result<()> {
    let server = Fixture::start().await?;
    let send = async |path: &str, body: &str| server.client.send("POST", path, body).await;
    let parameters = |mode: &str, resource: &str| {
        format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"mode","valueCode":"{mode}"}},{{"name":"resource","resource":{resource}}}]}}"#
        )
    };
    let fine = r#"{"resourceType":"Patient","active":true}"#;
    let observation = r#"{"resourceType":"Observation","status":"final","code":{"text":"a"}}"#;
    for (path, body, expected) in [
        ("/Patient/$validate", fine, &[][..]),
        ("/Patient/$validate", FAULTY, &["error Patient.telecom[0]"]),
        ("/Patient/$validate?mode=create", FAULTY, &["error Patient.telecom[0]"]),
        // No FHIR at all is told just as well.
        (
            "/Patient/$validate",
            r#"{"resourceType":"Patient","activ":true}"#,
            &["error Patient.activ"],
        ),
        ("/Patient/$validate", r#"{"resourceType":"Patient","id":"a b"}"#, &["error Patient.id"]),
        ("/Patient/$validate", r#"{"resourceType":"Pacient"}"#, &["error resourceType"]),
        ("/Patient/$validate", &parameters("create", FAULTY), &["error Patient.telecom[0]"]),
        ("/Patient/$validate", &parameters("update", fine), &[]),
        (
            "/Parameters/$validate",
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueCode":"b"}]}"#,
            &[],
        ),
    ] {
        let answer = send(path, body).await?;
        assert_eq!(errors(&answer)?, expected, "{path} {body}: {}", answer.text);
    }
    let xml =
        r#"<Patient xmlns="http://hl7.org/fhir"><telecom><value value="1"/></telecom></Patient>"#;
    let request = server.client.request("POST", "/Patient/$validate");
    let request = request.header("accept", "application/fhir+json");
    let request = request.header("content-type", "application/fhir+xml").body(xml);
    assert_eq!(errors(&Answer::of(request).await?)?, ["error Patient.telecom[0]"], "in XML");
    let path = format!("/Observation/$validate?mode=profile&profile={BP}");
    assert!(errors(&send(&path, observation).await?)?.len() > 3, "blood pressure needs more");
    let path = "/Observation/$validate?profile=https://a.example/none";
    assert_eq!(errors(&send(path, observation).await?)?, ["error Observation"]);
    for (path, body) in [
        ("/Patient/$validate", ""),
        ("/Patient/$validate", "{"),
        ("/Patient/$validate", observation),
        ("/Patient/$validate?mode=other", fine),
        ("/Patient/$validate?mode=profile", fine),
        ("/Patient/$validate?mode=delete", fine),
        ("/Patient/$validate?colour=red", fine),
        (
            "/Patient/$validate",
            r#"{"resourceType":"Parameters","parameter":[{"name":"x","valueCode":"b"}]}"#,
        ),
    ] {
        assert_eq!(send(path, body).await?.status, 400, "{path} {body}");
    }
    // Nothing of it was stored.
    let found = server.client.get("/Patient?_summary=count").await?;
    assert_eq!(found.json()?.get("total").and_then(|it| it.as_number()?.to_i64()), Some(0));
    Ok(())
}

#[tokio::test]
async fn says_where_it_stands() -> Result<()> {
    let server = Fixture::start().await?;
    let text = "{\"resourceType\": \"Patient\",\n \"telecom\": [\n  {\"value\": \"1\"}]}";
    let answer = server.client.send("POST", "/Patient/$validate", text).await?;
    let outcome: Value = serde_json::from_str(&answer.text)?;
    let places = &outcome["issue"][0]["extension"];
    assert_eq!(places[0]["valueInteger"], 3, "{}", answer.text);
    assert_eq!(places[1]["valueInteger"], 3, "{}", answer.text);
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [{
        "resource": serde_json::from_str::<Value>(text)?,
        "request": { "method": "POST", "url": "Patient/$validate" } }] });
    let answer = server.client.send("POST", "", &bundle.to_string()).await?;
    assert!(answer.text.contains("Patient.telecom[0]"), "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn what_is_stored_is_judged_with_the_rights_of_the_mode() -> Result<()> {
    let signer = Signer::create()?;
    let file = signer.file.clone();
    let server = Fixture::start_with(|settings| settings.auth.signing_key = Some(file)).await?;
    let put = server
        .client
        .send("PUT", "/Patient/a", &FAULTY.replace(r#"t","#, r#"t","id":"a","#))
        .await?;
    assert_eq!(put.status, 201, "{}", put.text);
    let answer = server.client.get("/Patient/a/$validate").await?;
    assert_eq!(errors(&answer)?, ["error Patient.telecom[0]"]);
    assert_eq!(server.client.get("/Patient/none/$validate").await?.status, 404);
    assert!(errors(&server.client.get("/Patient/a/$validate?mode=delete").await?)?.is_empty());
    let other = r#"{"resourceType":"Patient","id":"b"}"#;
    let answer = server.client.send("POST", "/Patient/a/$validate?mode=update", other).await?;
    assert_eq!(errors(&answer)?, ["error Patient.id"]);
    let as_client = |letters: &str| -> Result<Client> {
        let claims = json!({ "sub": "dev-backend", "scope": format!("system/Patient.{letters}") });
        Ok(server.client.bearing(signer.token(server.origin()?, &claims)?))
    };
    for (letters, method, path, body, status) in [
        ("c", "POST", "/Patient/$validate", other, 200),
        ("ruds", "POST", "/Patient/$validate", other, 403),
        ("u", "POST", "/Patient/$validate?mode=update", other, 200),
        ("c", "POST", "/Patient/$validate?mode=update", other, 403),
        ("r", "GET", "/Patient/a/$validate", "", 200),
        ("cuds", "GET", "/Patient/a/$validate", "", 403),
        ("r", "GET", "/Patient/a/$validate?mode=delete", "", 403),
        ("c", "POST", "/Observation/$validate", r#"{"resourceType":"Observation"}"#, 403),
    ] {
        let answer = match method {
            "GET" => as_client(letters)?.get(path).await?,
            _ => as_client(letters)?.send(method, path, body).await?,
        };
        assert_eq!(answer.status, status, "{letters} {path}: {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn by_profiles_and_questionnaires_that_are_stored() -> Result<()> {
    let server = Fixture::start().await?;
    let profile = json!({ "resourceType": "StructureDefinition", "url": "https://a.example/named",
        "name": "Named", "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
        "snapshot": { "element": [
            { "id": "Patient", "path": "Patient", "min": 0, "max": "*" },
            { "id": "Patient.name", "path": "Patient.name", "min": 1, "max": "*" },
            { "id": "Patient.maritalStatus", "path": "Patient.maritalStatus", "min": 0, "max": "1",
              "binding": { "strength": "required", "valueSet": "https://a.example/states|1" } }] } });
    let states = json!({ "resourceType": "ValueSet", "url": "https://a.example/states", "version": "1",
        "status": "active", "compose": { "include": [
            { "system": "https://a.example/state", "concept": [{ "code": "one" }] }] } });
    assert_eq!(server.client.send("POST", "/ValueSet", &states.to_string()).await?.status, 201);
    let made = server.client.send("POST", "/StructureDefinition", &profile.to_string()).await?;
    assert_eq!(made.status, 201, "{}", made.text);
    let claims = r#"{"resourceType":"Patient","meta":{"profile":["https://a.example/named|1.0"]},"active":true}"#;
    let answer = server.client.send("POST", "/Patient/$validate", claims).await?;
    assert_eq!(errors(&answer)?, ["error Patient.name"]);
    let plain = r#"{"resourceType":"Patient","active":true}"#;
    let path = "/Patient/$validate?profile=https://a.example/named";
    assert_eq!(errors(&server.client.send("POST", path, plain).await?)?, ["error Patient.name"]);
    for (code, wrong) in [("one", &[][..]), ("two", &["error Patient.maritalStatus"])] {
        let coded = json!({ "resourceType": "Patient", "name": [{ "family": "a" }],
            "maritalStatus": { "coding": [{ "system": "https://a.example/state", "code": code }] } });
        let answer = server.client.send("POST", path, &coded.to_string()).await?;
        assert_eq!(errors(&answer)?, wrong, "{code}: {}", answer.text);
    }
    let form = json!({ "resourceType": "Questionnaire", "url": "https://a.example/q", "status": "active",
        "item": [{ "linkId": "1", "type": "boolean", "required": true }] });
    assert_eq!(server.client.send("POST", "/Questionnaire", &form.to_string()).await?.status, 201);
    let response = r#"{"resourceType":"QuestionnaireResponse","questionnaire":"https://a.example/q","status":"completed"}"#;
    let answer = server.client.send("POST", "/QuestionnaireResponse/$validate", response).await?;
    assert_eq!(errors(&answer)?, ["error QuestionnaireResponse.item"]);
    Ok(())
}

#[tokio::test]
async fn faults_on_a_write_as_the_operator_says() -> Result<()> {
    let server = Fixture::start_with(|settings| {
        let rule = |kind, client: Option<&str>, faults| ValidationRule {
            kind,
            client: client.map(str::to_owned),
            faults,
        };
        let kind = |name| canonical_model::ResourceType::find(name);
        settings.policy.validation.faults = Faults::Warn;
        settings.policy.validation.rules = vec![
            rule(kind("Practitioner"), None, Faults::Reject),
            rule(kind("RelatedPerson"), Some("nobody"), Faults::Reject),
            rule(kind("Person"), None, Faults::Ignore),
        ];
    })
    .await?;
    let of = |kind: &str| FAULTY.replace("Patient", kind);
    let send = async |kind: &str, body: &str| {
        let request = server.client.request("POST", &format!("/{kind}"));
        let request = request.header("prefer", "return=OperationOutcome");
        let request = request.header("content-type", "application/fhir+json");
        Answer::of(request.body(body.to_owned())).await
    };
    let refused = send("Practitioner", &of("Practitioner")).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(told(&refused)?, ["error Practitioner.telecom[0]"]);
    let warned = send("Patient", FAULTY).await?;
    assert_eq!(warned.status, 201, "{}", warned.text);
    assert!(told(&warned)?.contains(&"warning Patient.telecom[0]".to_owned()), "{}", warned.text);
    let tagged = server
        .client
        .get("/Patient?_tag=https://carebridge.example/CodeSystem/validation|faults")
        .await?;
    assert_eq!(tagged.entries().len(), 1, "{}", tagged.text);
    for kind in ["RelatedPerson", "Person"] {
        let body = of(kind).replace(r#"n","#, r#"n","patient":{"display":"a"},"#);
        let body = if kind == "Person" { of(kind) } else { body };
        let made = send(kind, &body).await?;
        assert_eq!(made.status, 201, "{}", made.text);
        let warns = told(&made)?.iter().any(|it| it.starts_with("warning"));
        assert_eq!(warns, kind == "RelatedPerson", "{}", made.text);
    }
    // The tag goes with the fault; the entries of a bundle say what is wrong with each.
    let id = tagged.entries()[0]
        .get("resource")
        .and_then(|it| it.get("id")?.as_str().map(str::to_owned));
    let id = id.unwrap_or_default();
    let fixed = format!(
        r#"{{"resourceType":"Patient","id":"{id}","meta":{{"tag":[{{"system":"https://carebridge.example/CodeSystem/validation","code":"faults"}}]}},"active":true}}"#
    );
    let put = server.client.send("PUT", &format!("/Patient/{id}"), &fixed).await?;
    assert!(put.status == 200 && !put.text.contains("CodeSystem/validation"), "{}", put.text);
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [{
        "resource": serde_json::from_str::<Value>(FAULTY)?,
        "request": { "method": "POST", "url": "Patient" } }] });
    let twice = async || {
        let request = server.client.request("POST", "").header("idempotency-key", "k");
        let request = request.header("content-type", "application/fhir+json");
        Answer::of(request.body(bundle.to_string())).await
    };
    let answer = twice().await?;
    assert_eq!(twice().await?.text, answer.text, "a repeated request is answered the same");
    let told: Value = serde_json::from_str(&answer.text)?;
    let issue = &told["entry"][0]["response"]["outcome"]["issue"][0];
    assert_eq!(issue["expression"][0], "Patient.telecom[0]", "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn profiles_and_questionnaires_hold_on_every_write() -> Result<()> {
    let server =
        Fixture::start_with(|settings| settings.policy.validation.faults = Faults::Reject).await?;
    let send = async |method: &str, path: &str, body: &Value, status: u16| -> Result<Answer> {
        let answer = server.client.send(method, path, &body.to_string()).await?;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        Ok(answer)
    };
    let profile = json!({ "resourceType": "StructureDefinition", "url": "https://a.example/named",
        "name": "Named", "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
        "differential": { "element": [
            { "id": "Patient.name", "path": "Patient.name", "min": 1 }] } });
    send("POST", "/StructureDefinition", &profile, 201).await?;
    let claim = json!({ "profile": ["https://a.example/named"] });
    let nameless = json!({ "resourceType": "Patient", "id": "a", "meta": claim, "active": true });
    let refused = send("PUT", "/Patient/a", &nameless, 422).await?;
    assert_eq!(told(&refused)?, ["error Patient.name"]);
    send("POST", "/Patient", &nameless, 422).await?;
    // A patch, by itself and in a transaction, is judged by what comes of it.
    let plain = json!({ "resourceType": "Patient", "id": "a", "active": true });
    send("PUT", "/Patient/a", &plain, 201).await?;
    let patch =
        json!([{ "op": "add", "path": "/meta/profile", "value": ["https://a.example/named"] }]);
    let request = server.client.request("PATCH", "/Patient/a");
    let request = request.header("content-type", "application/json-patch+json");
    let answer = Answer::of(request.body(patch.to_string())).await?;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let bundle =
        |entry: Value| json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
    let binary = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": base64::engine::general_purpose::STANDARD.encode(patch.to_string()) });
    let entry = json!({ "resource": binary, "request": { "method": "PATCH", "url": "Patient/a" } });
    let refused = send("POST", "", &bundle(entry), 422).await?;
    assert!(refused.text.contains("Bundle.entry[0]"), "{}", refused.text);
    let entry = json!({ "resource": nameless, "request": { "method": "PUT", "url": "Patient/a" } });
    send("POST", "", &bundle(entry), 422).await?;
    let form = json!({ "resourceType": "Questionnaire", "url": "https://a.example/q", "status": "active",
        "item": [{ "linkId": "1", "type": "boolean", "required": true }] });
    send("POST", "/Questionnaire", &form, 201).await?;
    let answers = json!({ "resourceType": "QuestionnaireResponse",
        "questionnaire": "https://a.example/q", "status": "completed" });
    let refused = send("POST", "/QuestionnaireResponse", &answers, 422).await?;
    assert_eq!(told(&refused)?, ["error QuestionnaireResponse.item"]);
    let named =
        json!({ "resourceType": "Patient", "id": "a", "meta": claim, "name": [{ "text": "b" }] });
    send("PUT", "/Patient/a", &named, 200).await?;
    Ok(())
}
