//! Transactions at once: they neither deadlock nor lose, and what they share is made once.
//! <https://hl7.org/fhir/R4/http.html#transaction>

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures::future::{try_join, try_join_all};
use futures::stream::{self, StreamExt, TryStreamExt};
use it::{Answer, Client, Fixture};

use crate::concurrency::{patient, statuses, versions};

fn transaction(entries: &[String]) -> String {
    let entries = entries.join(",");
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#)
}

fn entry(method: &str, url: &str, more: &str, resource: &str) -> String {
    format!(r#"{{"request":{{"method":"{method}","url":"{url}"{more}}},"resource":{resource}}}"#)
}

async fn post(client: &Client, body: String) -> Result<Answer> {
    client.send("POST", "", &body).await
}

/// How an entry finds the resource that it changes.
#[derive(Clone, Copy, Debug)]
enum By {
    Id,
    Criteria,
    /// One transaction by id, the other by criteria.
    Both,
}

fn change(by_id: bool, name: &str, family: &str) -> String {
    match by_id {
        true => entry("PUT", &format!("Patient/{name}"), "", &patient(name, name, family)),
        false => {
            let url = format!("Patient?identifier=urn:it|{name}");
            entry("PUT", &url, "", &patient("", name, family))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opposite_orders_neither_deadlock_nor_lose() -> Result<()> {
    const PAIRS: usize = 40;
    let server = Fixture::start().await?;
    for by in [By::Id, By::Criteria, By::Both] {
        let (left, right) = (format!("left-{by:?}"), format!("right-{by:?}"));
        for name in [&left, &right] {
            let body = patient(name, name, "first");
            server.client.send("PUT", &format!("/Patient/{name}"), &body).await?;
        }
        let (there, back) = match by {
            By::Id => (true, true),
            By::Criteria => (false, false),
            By::Both => (true, false),
        };
        let pair = |n: usize| {
            let there = [
                change(there, &left, &format!("there{n}")),
                change(there, &right, &format!("there{n}")),
            ];
            let back = [
                change(back, &right, &format!("back{n}")),
                change(back, &left, &format!("back{n}")),
            ];
            let one = post(&server.client, transaction(&there));
            try_join(one, post(&server.client, transaction(&back)))
        };
        let answers: Vec<(Answer, Answer)> =
            stream::iter(0..PAIRS).map(pair).buffer_unordered(4).try_collect().await?;
        for answer in answers.iter().flat_map(|(one, other)| [one, other]) {
            assert_eq!(answer.status, 200, "{by:?}: {}", answer.text);
        }
        let kept = versions(&server.client, &left).await?;
        assert_eq!(kept.len(), 1 + 2 * PAIRS, "{by:?}: each wrote a version");
        assert_eq!(kept, versions(&server.client, &right).await?, "{by:?}: in one order");
        let families: BTreeSet<_> = kept.iter().map(|(_, family)| family).collect();
        assert_eq!(families.len(), kept.len(), "{by:?}: each once");
    }
    // PostgreSQL would have broken one up after a second; here nobody ever waits in a circle.
    let deadlocks: i64 = sqlx::query_scalar(
        "select deadlocks from pg_stat_database where datname = current_database()",
    )
    .fetch_one(&mut server.database.connect().await?)
    .await?;
    assert_eq!(deadlocks, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_if_none_exist_makes_one_resource() -> Result<()> {
    const BUNDLES: usize = 20;
    let server = Fixture::start().await?;
    let answers = try_join_all((0..BUNDLES).map(|n| {
        let observation = format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"w{n}"}},"subject":{{"reference":"urn:uuid:6a2c9f5e-53c7-4b3c-9d7b-0c6a3d1f2e01"}}}}"#
        );
        let there = entry("POST", "Patient", r#","ifNoneExist":"identifier=urn:it|a""#, &patient("", "a", "n"));
        let there = there.replacen(
            '{',
            r#"{"fullUrl":"urn:uuid:6a2c9f5e-53c7-4b3c-9d7b-0c6a3d1f2e01","#,
            1,
        );
        post(&server.client, transaction(&[entry("POST", "Observation", "", &observation), there]))
    }))
    .await?;
    assert_eq!(statuses(&answers), BTreeMap::from([(200, BUNDLES)]));
    let found = server.client.get("/Patient?identifier=urn:it|a").await?;
    assert_eq!(found.entries().len(), 1, "{}", found.text);
    let id = found.text_at("entry.0.resource.id");
    let about = server.client.get(&format!("/Observation?subject=Patient/{id}&_count=100")).await?;
    assert_eq!(about.entries().len(), BUNDLES, "each refers to the one patient");
    let mut words: Vec<String> =
        answers.iter().map(|answer| answer.text_at("entry.1.response.status")).collect();
    words.sort();
    assert_eq!(words.iter().filter(|word| word.starts_with("201")).count(), 1, "{words:?}");
    Ok(())
}

/// What is posted with one `Idempotency-Key`, and how many patients are there afterwards.
fn repeated(kind: &str) -> (&'static str, Option<&'static str>, String) {
    let new = entry("POST", "Patient", "", &patient("", kind, "n"));
    let known = entry("PUT", "Patient/known", "", &patient("known", "known", "first"));
    let once = entry(
        "POST",
        "Patient",
        r#","ifNoneExist":"identifier=urn:it|conditional-bundle""#,
        &patient("", kind, "n"),
    );
    let gone = r#"{"request":{"method":"DELETE","url":"Patient/gone"}}"#.to_owned();
    // What its condition asks for is no longer so once the first has been carried out.
    let condition = r#","ifMatch":"W/\"1\"""#;
    let held = entry("PUT", "Patient/held", condition, &patient("held", "held", "changed"));
    match kind {
        "create" => ("/Patient", None, patient("", kind, "n")),
        "conditional" => {
            ("/Patient", Some("identifier=urn:it|conditional"), patient("", kind, "n"))
        }
        "creates" => ("", None, transaction(&[new])),
        "conditional-bundle" => ("", None, transaction(&[once])),
        "held-bundle" => ("", None, transaction(&[held, new])),
        // An update that changes nothing and a delete are answered again as they were.
        _ => ("", None, transaction(&[known, new, gone])),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_idempotency_key_makes_one_resource() -> Result<()> {
    const REPEATS: usize = 20;
    let server = Fixture::start().await?;
    for id in ["known", "gone", "held"] {
        let body = patient(id, id, "first");
        server.client.send("PUT", &format!("/Patient/{id}"), &body).await?;
    }
    for kind in ["create", "conditional", "creates", "conditional-bundle", "held-bundle", "mixed"] {
        let (path, criteria, body) = repeated(kind);
        let send = |key: &str, body: &str| {
            let mut request = server
                .client
                .request("POST", path)
                .header("content-type", "application/fhir+json")
                .header("idempotency-key", format!("{kind}-{key}"));
            if let Some(criteria) = criteria {
                request = request.header("if-none-exist", criteria);
            }
            Answer::of(request.body(body.to_owned()))
        };
        let mut answers = try_join_all((0..REPEATS).map(|_| send("one", &body))).await?;
        // And one long after.
        answers.push(send("one", &body).await?);
        let shown: BTreeSet<_> = answers
            .iter()
            .map(|a| (a.status, a.text.clone(), a.version(), a.header("location").to_owned()))
            .collect();
        assert_eq!(shown.len(), 1, "{kind}: all answers are equal: {shown:#?}");
        assert!(matches!(answers[0].status, 200 | 201), "{kind}: {}", answers[0].text);
        let found = server.client.get(&format!("/Patient?identifier=urn:it|{kind}")).await?;
        assert_eq!(found.entries().len(), 1, "{kind}: {}", found.text);
        let other = send("one", &body.replace("\"n\"", "\"other\"")).await?;
        assert_eq!(other.status, 422, "{kind}: the key came with something else: {}", other.text);
    }
    Ok(())
}

/// A key that came too late for a criterion must not be kept with a reply that never was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_kept_only_with_what_was_written() -> Result<()> {
    let server = Fixture::start().await?;
    let send = |key: &str| {
        let request = server
            .client
            .request("POST", "/Patient")
            .header("content-type", "application/fhir+json")
            .header("if-none-exist", "identifier=urn:it|a")
            .header("idempotency-key", key.to_owned());
        Answer::of(request.body(patient("", "a", "n")))
    };
    let first = send("k1").await?;
    assert_eq!(first.status, 201, "{}", first.text);
    let path = format!("/Patient/{}", first.id());
    assert_eq!(server.client.send("DELETE", &path, "").await?.status, 204);
    let second = send("k2").await?;
    assert_eq!(second.status, 201, "{}", second.text);
    assert_eq!(server.client.get(&format!("/Patient/{}", second.id())).await?.status, 200);
    let again = send("k2").await?;
    assert_eq!((again.status, again.text), (second.status, second.text));
    Ok(())
}

/// What the criteria of an entry found is changed by others before the entry has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn criteria_hold_of_what_is_changed() -> Result<()> {
    const ROUNDS: usize = 60;
    let server = Fixture::start().await?;
    let client = &server.client;
    let active = |yes: bool| format!(r#"{{"resourceType":"Patient","id":"x","active":{yes}}}"#);
    client.send("PUT", "/Patient/x", &active(true)).await?;
    let turns = async |first: bool| -> Result<()> {
        for n in 0..ROUNDS {
            client.send("PUT", "/Patient/x", &active(first == n.is_multiple_of(2))).await?;
        }
        Ok(())
    };
    let found = "Patient?_id=x&active=false";
    let gender = r#"{"resourceType":"Binary","contentType":"application/json-patch+json",
        "data":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2dlbmRlciIsInZhbHVlIjoib3RoZXIifV0="}"#;
    let removed = format!(r#"{{"request":{{"method":"DELETE","url":"{found}"}}}}"#);
    let conditional = async |body: String| -> Result<()> {
        for _ in 0..ROUNDS {
            let answer = post(client, transaction(std::slice::from_ref(&body))).await?;
            assert!([200, 404, 409, 412].contains(&answer.status), "{}", answer.text);
        }
        Ok(())
    };
    let patched = conditional(entry("PATCH", found, "", gender));
    futures::future::try_join4(turns(true), turns(false), patched, conditional(removed)).await?;

    // By the history: before each conditional write stood what its criteria ask for.
    let history = client.get("/Patient/x/_history?_count=1000").await?;
    let entries: serde_json::Value = serde_json::from_str(&history.text)?;
    let entries = entries["entry"].as_array().cloned().unwrap_or_default();
    let mut judged = 0;
    for pair in entries.windows(2) {
        let (after, before) = (&pair[0], &pair[1]);
        let patched =
            after["resource"]["gender"] == "other" && before["resource"]["gender"].is_null();
        if patched || after["request"]["method"] == "DELETE" {
            judged += 1;
            assert_eq!(before["resource"]["active"], false, "{after} after {before}");
        }
    }
    assert!(judged > 0, "no conditional write met anything");
    Ok(())
}
