//! Many clients at the same resource at once: nothing is made twice and nothing is lost.
//! <https://hl7.org/fhir/R4/http.html#concurrency>

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use canonical_model::Value;
use futures::future::try_join_all;
use it::{Answer, Client, Fixture};

const CLIENTS: usize = 50;

/// How many answers had each status.
pub(crate) fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    counts
}

/// A patient whose family name tells who wrote it.
pub(crate) fn patient(id: &str, identifier: &str, family: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(
        r#"{{"resourceType":"Patient",{id}"identifier":[{{"system":"urn:it","value":"{identifier}"}}],"name":[{{"family":"{family}"}}]}}"#
    )
}

/// The versions of a resource, oldest first: number and family name, empty for a deletion.
pub(crate) async fn versions(client: &Client, id: &str) -> Result<Vec<(i64, String)>> {
    let history = client.get(&format!("/Patient/{id}/_history?_count=1000")).await?;
    assert_eq!(history.status, 200, "{}", history.text);
    let mut versions: Vec<(i64, String)> = history.entries().iter().map(version).collect();
    versions.reverse();
    let numbers: Vec<i64> = versions.iter().map(|(number, _)| *number).collect();
    let expected: Vec<i64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "versions without a gap, newest first");
    Ok(versions)
}

fn version(entry: &Value) -> (i64, String) {
    let response = entry.get("response").expect("a response");
    let etag = response.get("etag").and_then(Value::as_str).expect("an ETag");
    let number = etag.trim_start_matches("W/").trim_matches('"').parse().expect("a version");
    let name = entry.get("resource").and_then(|resource| resource.get("name"));
    let first = name.and_then(Value::as_array).and_then(|names| names.first());
    let family = first.and_then(|name| name.get("family")).and_then(Value::as_str);
    (number, family.unwrap_or_default().to_owned())
}

async fn put(client: &Client, path: &str, body: String, if_match: Option<&str>) -> Result<Answer> {
    let mut request = client.request("PUT", path).header("content-type", "application/fhir+json");
    if let Some(tag) = if_match {
        request = request.header("if-match", tag);
    }
    Answer::of(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditional_creates_make_one_resource() -> Result<()> {
    let server = Fixture::start().await?;
    // In any order, and whatever they say of an answer beside.
    let orders = [
        "identifier=urn:it|a&family=n",
        "family=n&identifier=urn:it|a",
        "family=n&identifier=urn:it|a&_total=accurate",
        "identifier=urn:it|a&family=n&_include=Patient:organization&_count=1",
        "identifier=urn:it|a&family=n&_revinclude:iterate=Observation:subject&_page=1",
    ];
    let round = || {
        try_join_all((0..CLIENTS).map(|n| {
            let request = server
                .client
                .request("POST", "/Patient")
                .header("content-type", "application/fhir+json")
                .header("if-none-exist", orders[n % orders.len()])
                .body(patient("", "a", "n"));
            Answer::of(request)
        }))
    };
    // The second round begins as the first, but for criteria that were claimed before.
    for _ in 0..2 {
        let answers = round().await?;
        assert_eq!(statuses(&answers), BTreeMap::from([(200, CLIENTS - 1), (201, 1)]));
        let ids: BTreeSet<String> = answers.iter().map(Answer::id).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let found = server.client.get("/Patient?identifier=urn:it|a").await?;
        assert_eq!(found.entries().len(), 1, "{}", found.text);
        let path = format!("/Patient/{}", answers[0].id());
        assert_eq!(versions(&server.client, &answers[0].id()).await?.len(), 1);
        assert_eq!(server.client.send("DELETE", &path, "").await?.status, 204);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_criteria_are_the_same_however_they_are_written() -> Result<()> {
    let server = Fixture::start().await?;
    // Values in another order, said twice, repeated as a parameter; names fold.
    for (number, spellings) in [
        ["identifier=urn:it|1,urn:it|z", "identifier=urn:it|z,urn:it|1"],
        ["identifier=urn:it|2", "identifier=urn:it|2,urn:it|2"],
        ["identifier=urn:it|3", "identifier=urn:it|3&identifier=urn:it|3"],
        ["family=name4", "family=NAME4"],
    ]
    .iter()
    .enumerate()
    {
        let (value, family) = ((number + 1).to_string(), format!("name{}", number + 1));
        let answers = try_join_all((0..CLIENTS).map(|n| {
            let request = server
                .client
                .request("POST", "/Patient")
                .header("content-type", "application/fhir+json")
                .header("if-none-exist", spellings[n % 2])
                .body(patient("", &value, &family));
            Answer::of(request)
        }))
        .await?;
        let expected = BTreeMap::from([(200, CLIENTS - 1), (201, 1)]);
        assert_eq!(statuses(&answers), expected, "{spellings:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_updates_of_one_version_succeeds() -> Result<()> {
    let server = Fixture::start().await?;
    let id = server.client.send("POST", "/Patient", &patient("", "a", "first")).await?.id();
    let path = format!("/Patient/{id}");
    let answers = try_join_all((0..CLIENTS).map(|n| {
        put(&server.client, &path, patient(&id, "a", &format!("writer{n}")), Some("W/\"1\""))
    }))
    .await?;
    assert_eq!(statuses(&answers), BTreeMap::from([(200, 1), (412, CLIENTS - 1)]));
    for refused in answers.iter().filter(|answer| answer.status == 412) {
        assert_eq!(refused.text_at("resourceType"), "OperationOutcome", "{}", refused.text);
    }
    let winner = answers.iter().find(|answer| answer.status == 200).expect("a winner");
    let expected = [(1, "first".to_owned()), (2, winner.text_at("name.0.family"))];
    assert_eq!(versions(&server.client, &id).await?, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unconditional_updates_all_succeed() -> Result<()> {
    let server = Fixture::start().await?;
    for there in [true, false] {
        let id = if there { "there" } else { "absent" };
        let path = format!("/Patient/{id}");
        if there {
            put(&server.client, &path, patient(id, "a", "first"), None).await?;
        }
        let answers =
            try_join_all((0..CLIENTS).map(|n| {
                put(&server.client, &path, patient(id, "a", &format!("writer{n}")), None)
            }))
            .await?;
        let expected = match there {
            true => BTreeMap::from([(200, CLIENTS)]),
            false => BTreeMap::from([(200, CLIENTS - 1), (201, 1)]),
        };
        assert_eq!(statuses(&answers), expected);
        let mut written: Vec<(i64, String)> = answers
            .iter()
            .map(|answer| (answer.version(), answer.text_at("name.0.family")))
            .collect();
        written.sort();
        let mut kept = versions(&server.client, id).await?;
        if there {
            kept.remove(0);
        }
        assert_eq!(kept, written, "each answer names the version that it made");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditional_updates_make_one_resource() -> Result<()> {
    let server = Fixture::start().await?;
    let path = "/Patient?identifier=urn:it|a";
    let answers = try_join_all(
        (0..CLIENTS).map(|n| put(&server.client, path, patient("", "a", &format!("w{n}")), None)),
    )
    .await?;
    assert_eq!(statuses(&answers), BTreeMap::from([(200, CLIENTS - 1), (201, 1)]));
    let ids: BTreeSet<String> = answers.iter().map(Answer::id).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let kept: BTreeSet<_> = versions(&server.client, &answers[0].id()).await?.into_iter().collect();
    let written = answers.iter().map(|answer| (answer.version(), answer.text_at("name.0.family")));
    assert_eq!(kept, written.collect());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_and_updates_take_turns() -> Result<()> {
    let server = Fixture::start().await?;
    put(&server.client, "/Patient/p", patient("p", "a", "first"), None).await?;
    let answers = try_join_all((0..CLIENTS).map(|n| {
        let client = &server.client;
        async move {
            match n % 2 {
                0 => client.send("DELETE", "/Patient/p", "").await,
                _ => put(client, "/Patient/p", patient("p", "a", &format!("w{n}")), None).await,
            }
        }
    }))
    .await?;
    let mut written = BTreeSet::from([(1, "first".to_owned())]);
    for (n, answer) in answers.iter().enumerate() {
        let expected: &[u16] = if n % 2 == 0 { &[204] } else { &[200, 201] };
        assert!(expected.contains(&answer.status), "{} {}", answer.status, answer.text);
        // A delete of what is deleted writes nothing and names no version.
        if answer.version() > 0 {
            written.insert((answer.version(), answer.text_at("name.0.family")));
        }
    }
    let kept = versions(&server.client, "p").await?;
    assert_eq!(kept.iter().cloned().collect::<BTreeSet<_>>(), written);
    let read = server.client.get("/Patient/p").await?;
    let expected = kept.last().map(|(_, family)| if family.is_empty() { 410 } else { 200 });
    assert_eq!(Some(read.status), expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_patch_is_lost() -> Result<()> {
    let server = Fixture::start().await?;
    put(&server.client, "/Patient/p", patient("p", "a", "first"), None).await?;
    let answers = try_join_all((0..CLIENTS).map(|n| {
        let body = format!(r#"[{{"op":"add","path":"/name/-","value":{{"family":"w{n}"}}}}]"#);
        let request = server
            .client
            .request("PATCH", "/Patient/p")
            .header("content-type", "application/json-patch+json");
        Answer::of(request.body(body))
    }))
    .await?;
    assert_eq!(statuses(&answers), BTreeMap::from([(200, CLIENTS)]));
    let read = server.client.get("/Patient/p").await?;
    let names = read.at("name").expect("names");
    let families: BTreeSet<&str> = names
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|name| name.get("family").and_then(Value::as_str))
        .collect();
    assert_eq!(families.len(), CLIENTS + 1);
    assert_eq!(versions(&server.client, "p").await?.len(), CLIENTS + 1);
    Ok(())
}
