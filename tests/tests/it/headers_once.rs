//! `Idempotency-Key`: a request that is repeated happens once, and is answered as it was.

use anyhow::{Result, bail};
use it::{Answer, Client, Fixture, Signer};
use serde_json::json;

async fn post(client: &Client, path: &str, key: &str, body: &str) -> Result<Answer> {
    let request = client
        .request("POST", path)
        .header("content-type", "application/fhir+json")
        .header("idempotency-key", key);
    Answer::of(request.body(body.to_owned())).await
}

async fn count(client: &Client) -> Result<usize> {
    Ok(client.get("/_history?_count=1000").await?.entries().len())
}

const PATIENT: &str = r#"{"resourceType":"Patient","active":true}"#;
const SIMPLE: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[
    {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}},
    {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}}]}"#;
const MIXED: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[
    {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}},
    {"request":{"method":"PUT","url":"Patient/m"},"resource":{"resourceType":"Patient","id":"m"}}]}"#;
/// A patch that adds a name each time it is done.
const BATCH: &str = r#"{"resourceType":"Bundle","type":"batch","entry":[
    {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}},
    {"request":{"method":"PUT","url":"Patient/n"},"resource":{"resourceType":"Patient","id":"n"}},
    {"request":{"method":"DELETE","url":"Patient/o"}},
    {"request":{"method":"PATCH","url":"Patient/p"},"resource":{"resourceType":"Binary","contentType":"application/json-patch+json",
     "data":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL25hbWUvLSIsInZhbHVlIjp7ImZhbWlseSI6IngifX1d"}}]}"#;

/// What its conditions ask for is no longer so once it has happened.
const CONDITIONAL: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[
    {"request":{"method":"PUT","url":"Patient/p","ifMatch":"W/\"2\""},"resource":{"resourceType":"Patient","id":"p"}},
    {"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"},
     "resource":{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]}}]}"#;

#[tokio::test]
async fn the_same_request_happens_once() -> Result<()> {
    let server = Fixture::start().await?;
    for id in ["o", "p"] {
        let body = format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"x"}}]}}"#);
        server.client.send("PUT", &format!("/Patient/{id}"), &body).await?;
    }
    for (key, path, body, writes) in [
        ("k1", "/Patient", PATIENT, 1),
        ("k2", "/", SIMPLE, 2),
        ("k3", "/", MIXED, 2),
        ("k4", "/", BATCH, 4),
        ("k5", "/", CONDITIONAL, 2),
    ] {
        let before = count(&server.client).await?;
        let first = post(&server.client, path, key, body).await?;
        let second = post(&server.client, path, key, body).await?;
        assert!(matches!(first.status, 200 | 201), "{key}: {}", first.text);
        assert_eq!((second.status, &second.text), (first.status, &first.text), "{key}");
        assert_eq!(second.header("location"), first.header("location"), "{key}");
        assert_eq!(count(&server.client).await? - before, writes, "{key}: {}", first.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_conditional_create_is_answered_as_it_was() -> Result<()> {
    let server = Fixture::start().await?;
    let body = r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]}"#;
    let ask = async || {
        let request = server
            .client
            .request("POST", "/Patient")
            .header("content-type", "application/fhir+json")
            .header("if-none-exist", "identifier=urn:x|1")
            .header("idempotency-key", "k");
        Answer::of(request.body(body)).await
    };
    let (first, second) = (ask().await?, ask().await?);
    assert_eq!((first.status, second.status), (201, 201), "{}", second.text);
    assert_eq!(first.text, second.text);
    Ok(())
}

/// The first answer was that there is one: so it is when that one is gone, or matches no more.
#[tokio::test]
async fn a_conditional_create_that_found_one_is_answered_as_it_was() -> Result<()> {
    let server = Fixture::start().await?;
    let body =
        r#"{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:x","value":"1"}]}"#;
    let ask = async |key: &str| {
        let request = server
            .client
            .request("POST", "/Patient")
            .header("content-type", "application/fhir+json")
            .header("if-none-exist", "identifier=urn:x|1")
            .header("idempotency-key", key.to_owned());
        Answer::of(request.body(body)).await
    };
    assert_eq!(server.client.send("PUT", "/Patient/p", body).await?.status, 201);
    let first = ask("k").await?;
    assert_eq!((first.status, first.text_at("id").as_str()), (200, "p"), "{}", first.text);
    assert_eq!(server.client.send("DELETE", "/Patient/p", "").await?.status, 204);
    let second = ask("k").await?;
    assert_eq!((second.status, &second.text), (200, &first.text));
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(ask("other").await?.status, 201);
    Ok(())
}

#[tokio::test]
async fn another_request_is_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let first = post(&server.client, "/Patient", "k", PATIENT).await?;
    assert_eq!(first.status, 201, "{}", first.text);
    let before = count(&server.client).await?;
    for (path, body) in [
        ("/Patient", r#"{"resourceType":"Patient","active":false}"#),
        ("/Patient?_pretty=true", PATIENT),
        ("/", SIMPLE),
        ("/", MIXED),
    ] {
        let answer = post(&server.client, path, "k", body).await?;
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.text);
    }
    for key in ["", &"k".repeat(256), "schlüssel"] {
        let answer = post(&server.client, "/Patient", key, PATIENT).await?;
        assert_eq!(answer.status, 400, "{key}: {}", answer.text);
    }
    assert_eq!(count(&server.client).await?, before);
    // A key that was refused is still free.
    let bad = post(&server.client, "/Patient", "j", r#"{"resourceType":"Patient","gender":"x"}"#);
    assert_eq!(bad.await?.status, 422);
    assert_eq!(post(&server.client, "/Patient", "j", PATIENT).await?.status, 201);
    Ok(())
}

#[tokio::test]
async fn many_at_once_make_one() -> Result<()> {
    let server = Fixture::start().await?;
    let all = (0..20).map(|_| post(&server.client, "/Patient", "k", PATIENT));
    let answers = futures::future::try_join_all(all).await?;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
    }
    assert_eq!(count(&server.client).await?, 1);
    Ok(())
}

/// A client that counts what it did must be able to tell.
#[tokio::test]
async fn a_repeated_answer_says_so() -> Result<()> {
    let server = Fixture::start().await?;
    for id in ["o", "p"] {
        let body = format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"x"}}]}}"#);
        server.client.send("PUT", &format!("/Patient/{id}"), &body).await?;
    }
    for (path, body) in [("/Patient", PATIENT), ("/", SIMPLE), ("/", MIXED), ("/", BATCH)] {
        let key = format!("said{}", body.len());
        let first = post(&server.client, path, &key, body).await?;
        let second = post(&server.client, path, &key, body).await?;
        let said = |answer: &Answer| answer.header("idempotency-replayed").to_owned();
        assert_eq!((said(&first), said(&second)), (String::new(), "true".to_owned()), "{body}");
    }
    Ok(())
}

/// What an entry of a batch left as it was, or did not find to delete, is answered so again, whatever came between.
#[tokio::test]
async fn what_wrote_nothing_writes_nothing_again() -> Result<()> {
    let server = Fixture::start().await?;
    let put = |id: &str, active: bool| {
        format!(r#"{{"resourceType":"Patient","id":"{id}","active":{active}}}"#)
    };
    server.client.send("PUT", "/Patient/x", &put("x", true)).await?;
    let batch = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[
        {{"request":{{"method":"PUT","url":"Patient/x"}},"resource":{}}},
        {{"request":{{"method":"DELETE","url":"Patient/y"}}}}]}}"#,
        put("x", true)
    );
    let first = post(&server.client, "/", "nothing", &batch).await?;
    assert_eq!(first.text_at("entry.1.response.status"), "204 No Content", "{}", first.text);
    for (id, active) in [("x", false), ("y", true)] {
        server.client.send("PUT", &format!("/Patient/{id}"), &put(id, active)).await?;
    }
    let second = post(&server.client, "/", "nothing", &batch).await?;
    assert_eq!(second.header("idempotency-replayed"), "true", "{}", second.text);
    assert_eq!(
        server.client.get("/Patient/x").await?.at("active").map(|it| it.to_text()),
        Some("false".to_owned())
    );
    assert_eq!(server.client.get("/Patient/y").await?.status, 200);
    Ok(())
}

/// Of the same batch several times at once each is answered as the first was.
#[tokio::test]
async fn a_batch_that_is_overtaken_by_itself_is_answered_as_the_first() -> Result<()> {
    let server = Fixture::start().await?;
    for turn in 0..4 {
        let body = format!(r#"{{"resourceType":"Patient","id":"b{turn}"}}"#);
        server.client.send("PUT", &format!("/Patient/b{turn}"), &body).await?;
        let batch = format!(
            r#"{{"resourceType":"Bundle","type":"batch","entry":[
            {{"request":{{"method":"PUT","url":"Patient/b{turn}","ifMatch":"W/\"1\""}},"resource":{{"resourceType":"Patient","id":"b{turn}","active":true}}}},
            {{"request":{{"method":"PUT","url":"Patient/n{turn}","ifNoneMatch":"*"}},"resource":{{"resourceType":"Patient","id":"n{turn}"}}}}]}}"#
        );
        let key = format!("at-once-{turn}");
        let all = (0..12).map(|_| post(&server.client, "/", &key, &batch));
        for answer in futures::future::try_join_all(all).await? {
            assert_eq!(answer.text_at("entry.0.response.status"), "200 OK", "{}", answer.text);
            assert_eq!(answer.text_at("entry.1.response.status"), "201 Created", "{}", answer.text);
        }
    }
    Ok(())
}

/// Two users of one app may choose the same key: neither gets what the other was answered.
#[tokio::test]
async fn a_key_is_of_its_user() -> Result<()> {
    let signer = Signer::create()?;
    let file = signer.file.clone();
    let server = Fixture::start_with(|settings| settings.auth.signing_key = Some(file)).await?;
    let user = |name: &str| -> Result<Client> {
        let claims = json!({ "sub": name, "scope": "user/*.cruds", "fhirUser": "Practitioner/1",
            "roles": ["integration"] });
        Ok(server.client.bearing(signer.token(server.origin()?, &claims)?))
    };
    for (path, body) in [("/Patient", PATIENT), ("/", SIMPLE), ("/", MIXED)] {
        let key = format!("mine{}", body.len());
        let mut ids = Vec::new();
        for client in [user("jane")?, user("john")?, server.client.clone(), user("jane")?] {
            let answer = post(&client, path, &key, body).await?;
            let id = match path {
                "/" => answer.text_at("entry.0.response.location"),
                _ => answer.id(),
            };
            ids.push((id, answer.header("idempotency-replayed") == "true"));
        }
        let [jane, john, client, again] = ids.as_slice() else { bail!("four answers: {ids:?}") };
        assert!(jane.0 != john.0 && jane.0 != client.0 && john.0 != client.0, "{path} {ids:?}");
        assert_eq!(
            (&jane.0, jane.1, john.1, client.1, again.1),
            (&again.0, false, false, false, true)
        );
    }
    Ok(())
}

/// A patch that adds, and a PUT whose condition no longer holds once it is done.
#[tokio::test]
async fn a_put_and_a_patch_happen_once() -> Result<()> {
    let server = Fixture::start().await?;
    let stored = r#"{"resourceType":"Patient","id":"p","name":[{"family":"x"}]}"#;
    server.client.send("PUT", "/Patient/p", stored).await?;
    let ask = async |method: &str, kind: &str, key: &str, if_match: &str, body: &str| {
        let request = server
            .client
            .request(method, "/Patient/p")
            .header("content-type", kind)
            .header("if-match", if_match)
            .header("idempotency-key", key);
        Answer::of(request.body(body.to_owned())).await
    };
    let patch = r#"[{"op":"add","path":"/name/-","value":{"family":"y"}}]"#;
    let put = r#"{"resourceType":"Patient","id":"p","active":true}"#;
    for (method, kind, if_match, body, version) in [
        ("PATCH", "application/json-patch+json", "W/\"1\"", patch, "2"),
        ("PUT", "application/fhir+json", "W/\"2\"", put, "3"),
    ] {
        let first = ask(method, kind, method, if_match, body).await?;
        let again = ask(method, kind, method, if_match, body).await?;
        assert_eq!(first.status, 200, "{method}: {}", first.text);
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{method}");
        let other_key = ask(method, kind, "new", if_match, body).await?;
        assert_eq!(other_key.status, 412, "{method}: {}", other_key.text);
        let now = server.client.get("/Patient/p").await?.json()?;
        let now = now.get("meta").and_then(|meta| meta.get("versionId"));
        assert_eq!(now.and_then(canonical_model::Value::as_str), Some(version), "{method}");
    }
    let other = ask("PUT", "application/fhir+json", "PUT", "W/\"3\"", stored).await?;
    assert_eq!(other.status, 422, "another body under the key: {}", other.text);
    Ok(())
}
