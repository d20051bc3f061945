//! What has faults is kept aside where the operator says so: seen, released and cancelled, each once.

use anyhow::Result;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use canonical_model::ResourceType;
use client::{LoadOptions, load};
use domain::{Faults, ValidationRule};
use it::{Answer, Client, Fixture, Signer};

use crate::alike::itself;
use crate::samples_load::{connection, scratch};
use crate::search::ids;

/// It has a value and says why it has none: obs-6.
const FAULTY: &str = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},
    "subject":{"reference":"Patient/p"},"valueString":"a","dataAbsentReason":{"text":"obs-6 forbids both"}}"#;
const RIGHT: &str =
    r#"{"resourceType":"Observation","id":"r","status":"final","code":{"text":"x"}}"#;
const CODE: &str = "https://carebridge.example/CodeSystem/task|quarantine";

async fn keeping() -> Result<Fixture> {
    signed(None).await
}

async fn signed(signer: Option<&Signer>) -> Result<Fixture> {
    Fixture::start_with(|it| {
        if let Some(signer) = signer {
            it.auth.signing_key = Some(signer.file.clone());
        }
        let kind = ResourceType::find("Observation");
        let rule = ValidationRule { kind, client: None, faults: Faults::Quarantine };
        it.policy.validation.rules.push(rule);
    })
    .await
}

async fn waiting(client: &Client) -> Result<Answer> {
    client.get(&format!("/Task?code={CODE}&status=requested&_total=accurate")).await
}

fn total(answer: &Answer) -> String {
    answer.at("total").map(|total| total.to_text()).unwrap_or_default()
}

fn id_in(location: &str) -> String {
    location.rsplit('/').nth(2).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_has_faults_waits_until_it_is_released() -> Result<()> {
    let server = keeping().await?;
    let client = &server.client;
    let right = client.send("PUT", "/Observation/r", RIGHT).await?;
    assert_eq!(right.status, 201, "{}", right.text);
    let kept = client.send("PUT", "/Observation/o", FAULTY).await?;
    assert_eq!(kept.status, 202, "{}", kept.text);
    assert_eq!(kept.text_at("issue.0.severity"), "information");
    assert!(kept.text.contains("obs-6") || kept.text.contains("dataAbsentReason"), "{}", kept.text);
    let id = id_in(kept.header("location"));
    assert_eq!(client.get("/Observation/o").await?.status, 404);
    let found = waiting(client).await?;
    assert_eq!(ids(&found), id);
    let task = client.get(&format!("/Task/{id}")).await?;
    for (path, expected) in [
        ("status", "requested"),
        ("for.reference", "Patient/p"),
        ("contained.0.resourceType", "OperationOutcome"),
    ] {
        assert_eq!(task.text_at(path), expected, "{}", task.text);
    }
    let released = client.send("POST", &format!("/Task/{id}/$release"), "").await?;
    assert_eq!(released.status, 200, "{}", released.text);
    let stored = client.get("/Observation/o").await?;
    assert_eq!(stored.text_at("meta.tag.0.code"), "faults", "{}", stored.text);
    assert_eq!(client.get(&format!("/Task/{id}")).await?.text_at("status"), "completed");
    assert_eq!(total(&waiting(client).await?), "0");
    let again = client.send("POST", &format!("/Task/{id}/$release"), "").await?;
    assert_eq!(again.status, 409, "{}", again.text);
    // What was released is there: the same once more changes nothing, and is not kept again.
    let same = client.send("PUT", "/Observation/o", FAULTY).await?;
    assert_eq!((same.status, same.version()), (200, 1), "{}", same.text);
    assert_eq!(total(&waiting(client).await?), "0");
    assert_eq!(client.get("/Observation/o").await?.text_at("meta.versionId"), "1");
    Ok(())
}

#[tokio::test]
async fn every_way_to_write_is_kept_and_released() -> Result<()> {
    let server = keeping().await?;
    let client = &server.client;
    client.send("PUT", "/Patient/p", r#"{"resourceType":"Patient","id":"p"}"#).await?;
    let plain = r#"{"resourceType":"Observation","id":"q","status":"final","code":{"text":"x"},"valueString":"a"}"#;
    assert_eq!(client.send("PUT", "/Observation/q", plain).await?.status, 201);
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[
            {{"request":{{"method":"POST","url":"Patient"}},"resource":{{"resourceType":"Patient","identifier":[{{"value":"{kind}"}}]}}}},
            {{"request":{{"method":"PUT","url":"Observation/o"}},"resource":{FAULTY}}}]}}"#
        )
    };
    let patch = r#"[{"op":"add","path":"/dataAbsentReason","value":{"text":"obs-6"}}]"#;
    let ways: [(&str, &str, &str, String); 6] = [
        ("POST", "/Observation", "application/fhir+json", FAULTY.to_owned()),
        ("PUT", "/Observation?_id=o", "application/fhir+json", FAULTY.to_owned()),
        ("PATCH", "/Observation/q", "application/json-patch+json", patch.to_owned()),
        ("PATCH", "/Observation?_id=q", "application/json-patch+json", patch.to_owned()),
        ("POST", "", "application/fhir+json", bundle("transaction")),
        ("POST", "", "application/fhir+json", bundle("batch")),
    ];
    for (method, url, form, body) in ways {
        let before = total(&client.get("/Observation?_summary=count").await?);
        let sent = client.request(method, url).header("content-type", form).body(body.clone());
        let kept = Answer::of(sent).await?;
        let place = match kept.text_at("type").as_str() {
            "batch-response" => {
                assert_eq!(kept.text_at("entry.0.response.status"), "201 Created");
                assert_eq!(kept.text_at("entry.1.response.status"), "202 Accepted");
                kept.text_at("entry.1.response.location")
            }
            _ => {
                assert_eq!(kept.status, 202, "{method} {url}: {}", kept.text);
                kept.header("location").to_owned()
            }
        };
        assert_eq!(total(&client.get("/Observation?_summary=count").await?), before);
        if url.is_empty() && body.contains("transaction") {
            let other = client.get("/Patient?identifier=transaction&_summary=count").await?;
            assert_eq!(total(&other), "0", "all or nothing");
        }
        let id = id_in(&place);
        let released = client.send("POST", &format!("/Task/{id}/$release"), "").await?;
        assert_eq!(released.status, 200, "{method} {url}: {}", released.text);
        let tagged = client.get("/Observation?_tag=faults&_summary=count").await?;
        assert_ne!(total(&tagged), "0", "{method} {url}");
        let emptied = client.send("DELETE", "/Observation?_tag=faults", "").await?;
        assert_eq!(emptied.status, 204, "{}", emptied.text);
        client.send("PUT", "/Observation/q", plain).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_repeated_request_is_kept_once_and_a_release_is_done_once() -> Result<()> {
    let server = keeping().await?;
    let client = &server.client;
    let post = || {
        let request = client.request("POST", "/Observation").header("idempotency-key", "k");
        Answer::of(request.header("content-type", "application/fhir+json").body(FAULTY))
    };
    let (first, second) = (post().await?, post().await?);
    assert_eq!((first.status, second.status), (202, 202), "{} {}", first.text, second.text);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(total(&waiting(client).await?), "1");
    // Under another key, or none, it is the same that waits.
    let other = client.send("POST", "/Observation", FAULTY).await?;
    assert_eq!((other.status, other.header("location")), (202, first.header("location")));
    for (method, path, body) in [
        ("PUT", "/Observation/p", FAULTY.replace("\"o\"", "\"p\"")),
        (
            "POST",
            "",
            format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[
            {{"request":{{"method":"PUT","url":"Observation/o"}},"resource":{FAULTY}}}]}}"#
            ),
        ),
    ] {
        let ask = || {
            let request = client.request(method, path).header("idempotency-key", method);
            Answer::of(request.header("content-type", "application/fhir+json").body(body.clone()))
        };
        let (first, second) = (ask().await?, ask().await?);
        assert_eq!((first.status, second.status), (202, 202), "{} {}", first.text, second.text);
        assert_eq!(first.header("location"), second.header("location"), "{method}");
    }
    let url = format!("/Task/{}/$release", id_in(first.header("location")));
    let all = (0..8).map(|_| client.send("POST", &url, ""));
    let all = futures::future::try_join_all(all).await?;
    let done = all.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{:?}", all.iter().map(|it| it.status).collect::<Vec<_>>());
    assert!(all.iter().all(|it| matches!(it.status, 200 | 409 | 412)));
    assert_eq!(total(&client.get("/Observation?_summary=count").await?), "1");
    Ok(())
}

#[tokio::test]
async fn what_is_no_task_of_these_or_ended_is_not_released() -> Result<()> {
    let server = keeping().await?;
    let client = &server.client;
    let other = r#"{"resourceType":"Task","id":"t","status":"requested","intent":"order"}"#;
    client.send("PUT", "/Task/t", other).await?;
    let kept = client.send("POST", "/Observation", FAULTY).await?;
    let id = id_in(kept.header("location"));
    let cancel = r#"[{"op":"replace","path":"/status","value":"cancelled"}]"#;
    let cancel = client.request("PATCH", &format!("/Task/{id}")).body(cancel);
    let cancelled =
        Answer::of(cancel.header("content-type", "application/json-patch+json")).await?;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    for (id, status) in [("t", 422), ("none", 404), (id.as_str(), 409)] {
        let answer = client.send("POST", &format!("/Task/{id}/$release"), "").await?;
        assert_eq!(answer.status, status, "{id}: {}", answer.text);
    }
    assert_eq!(total(&client.get("/Observation?_summary=count").await?), "0");
    // What is no FHIR is refused as ever.
    let wrong = r#"{"resourceType":"Observation","status":"final"}"#;
    assert_eq!(client.send("POST", "/Observation", wrong).await?.status, 422);
    Ok(())
}

/// What somebody else made look like this is not done by whoever would release it.
#[tokio::test]
async fn what_others_wrote_is_not_released() -> Result<()> {
    let server = keeping().await?;
    let client = &server.client;
    let kept = client.send("POST", "/Observation", FAULTY).await?;
    let id = id_in(kept.header("location"));
    let url = format!("/Task/{id}/$release");
    let task = client.get(&format!("/Task/{id}")).await?;
    let binary = client.get(&format!("/{}", task.text_at("focus.reference"))).await?;
    let asked = String::from_utf8(BASE64_STANDARD.decode(binary.text_at("data"))?)?;
    for other in [
        asked.replace("final", "amended"),
        r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/p"}}]}"#.to_owned(),
        "[]".to_owned(),
        "x".to_owned(),
    ] {
        let changed = binary.text.replace(&binary.text_at("data"), &BASE64_STANDARD.encode(other));
        let path = format!("/Binary/{}", binary.id());
        assert_eq!(client.send("PUT", &path, &changed).await?.status, 200);
        let refused = client.send("POST", &url, "").await?;
        assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
    }
    let path = format!("/Binary/{}", binary.id());
    assert_eq!(client.send("PUT", &path, &binary.text).await?.status, 200);
    assert_eq!(client.send("POST", &url, "").await?.status, 200);
    Ok(())
}

/// What `carebridge load` sends and is kept aside counts as failed, by its line and its Task, each time until it is
/// released; then it is there.
#[tokio::test]
async fn a_load_says_what_is_kept_aside() -> Result<()> {
    let server = keeping().await?;
    let folder = scratch("load-kept")?;
    let file = folder.join("observations.ndjson");
    let faulty: String = FAULTY.lines().collect();
    std::fs::write(&file, format!("{RIGHT}\n{faulty}\n"))?;
    let load = || {
        load(LoadOptions {
            connection: connection(&server),
            inputs: vec![file.clone()],
            journal: Some(folder.join("journal")),
            progress: false,
            ..LoadOptions::default()
        })
    };
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let report = load().await?;
        assert_eq!((report.loaded, report.failed), (0, 2), "{report}");
        let told = report.to_string();
        assert!(told.contains("line 2") && told.contains("Kept aside as Task/"), "{told}");
        tasks.push(ids(&waiting(&server.client).await?));
    }
    assert_eq!(tasks[0], tasks[1]);
    let url = format!("/Task/{}/$release", tasks[0]);
    assert_eq!(server.client.send("POST", &url, "").await?.status, 200);
    let report = load().await?;
    assert_eq!((report.loaded, report.failed), (2, 0), "{report}");
    assert_eq!(total(&waiting(&server.client).await?), "0");
    Ok(())
}

/// A release whose answer was lost is asked for again under its key, and done once.
#[tokio::test]
async fn a_release_is_repeated_under_its_key() -> Result<()> {
    let server = keeping().await?;
    let client = &server.client;
    let kept = client.send("POST", "/Observation", FAULTY).await?;
    let url = format!("/Task/{}/$release", id_in(kept.header("location")));
    let release = |key: &'static str| {
        Answer::of(client.request("POST", &url).header("idempotency-key", key).body(""))
    };
    let (first, second) = (release("a").await?, release("a").await?);
    assert_eq!((first.status, second.status), (200, 200), "{} {}", first.text, second.text);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(release("b").await?.status, 412);
    assert_eq!(total(&client.get("/Observation?_summary=count").await?), "1");
    Ok(())
}

/// What is kept has the labels of what it holds, and what may not be written is not kept.
#[tokio::test]
async fn labels_and_reach_hold_for_what_is_kept() -> Result<()> {
    let signer = Signer::create()?;
    let server = signed(Some(&signer)).await?;
    let labelled = FAULTY.replacen(
        r#""id":"o","#,
        r#""id":"o","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]},"#,
        1,
    );
    let kept = server.client.send("POST", "/Observation", &labelled).await?;
    assert_eq!(kept.status, 202, "{}", kept.text);
    let task = server.client.get(&format!("/Task/{}", id_in(kept.header("location")))).await?;
    assert_eq!(task.text_at("meta.security.0.code"), "HIV");
    let binary = server.client.get(&format!("/{}", task.text_at("focus.reference"))).await?;
    assert_eq!(binary.text_at("meta.security.0.code"), "HIV");
    let of_another = signer.patient_token(server.origin()?, "q", "patient/Observation.cruds")?;
    let refused = server.client.bearing(of_another).send("POST", "/Observation", FAULTY).await?;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(total(&waiting(&server.client).await?), "1");
    Ok(())
}

/// Who may write, and neither read nor make Tasks, is kept aside all the same; and releases nothing.
#[tokio::test]
async fn rights_are_of_who_releases() -> Result<()> {
    let signer = Signer::create()?;
    let server = signed(Some(&signer)).await?;
    let client = |scope: &str| -> Result<Client> {
        Ok(server.client.bearing(signer.token(server.origin()?, &itself(scope))?))
    };
    let writer = client("system/Observation.c")?;
    let kept = writer.send("POST", "/Observation", FAULTY).await?;
    assert_eq!(kept.status, 202, "{}", kept.text);
    let id = id_in(kept.header("location"));
    let url = format!("/Task/{id}/$release");
    assert_eq!(writer.send("POST", &url, "").await?.status, 403);
    let half = client("system/Task.rus system/Binary.r")?;
    let refused = half.send("POST", &url, "").await?;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(server.client.get(&format!("/Task/{id}")).await?.text_at("status"), "requested");
    assert_eq!(server.client.send("POST", &url, "").await?.status, 200);
    Ok(())
}
