//! `load`: every form of input, retries, resumption, errors.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use client::{Auth, LoadOptions, LoadReport, load};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Folder};

fn options(fake: &Fake, folder: &Folder, inputs: Vec<PathBuf>) -> LoadOptions {
    let journal = Some(folder.path(".journal"));
    let connection = fake.connection();
    LoadOptions { connection, inputs, journal, progress: false, ..LoadOptions::default() }
}

async fn run(fake: &Fake, folder: &Folder, inputs: Vec<PathBuf>) -> LoadReport {
    load(options(fake, folder, inputs)).await.unwrap()
}

fn patients(range: std::ops::Range<u32>) -> String {
    let line = |n| format!("{}\n", json!({"resourceType": "Patient", "id": format!("p{n}")}));
    range.map(line).collect()
}

fn transaction(ids: &[&str]) -> String {
    let entries = ids.iter().map(|id| {
        json!({"fullUrl": format!("urn:uuid:{id}"),
            "resource": {"resourceType": "Patient", "name": [{"family": id}]},
            "request": {"method": "POST", "url": "Patient"}})
    });
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries.collect::<Vec<_>>()})
        .to_string()
}

fn zipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_form_of_input() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    let pretty = |value: Value| serde_json::to_string_pretty(&value).unwrap();
    let exact = "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"valueDecimal\":1.50}";
    folder.write("in/one.json", exact);
    folder.write("in/new.json", pretty(json!({"resourceType": "Device"})));
    folder.write("in/deep/bundle.json", transaction(&["a", "b"]));
    folder.write("in/lines.ndjson", patients(0..250));
    folder.write("in/zipped.ndjson.gz", zipped(&patients(250..260)));
    folder.write("in/.hidden.json", "{");
    folder.write("in/notes.txt", "not for us");
    folder.write("in/log.ndjson", "{\"exportId\":1}\n{\"exportId\":2}\n");
    let collection = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:x", "resource": {"resourceType": "Basic", "id": "b1"}},
        {"resource": {"resourceType": "Basic"}},
        {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
    ]});
    folder.write("in/collection.json", pretty(collection));
    let document = json!({"resourceType": "Bundle", "id": "d", "type": "document", "entry": []});
    folder.write("in/document.json", pretty(document));
    let report = run(&fake, &folder, vec![folder.path("in")]).await;
    assert!(report.ok(), "{report}");
    assert_eq!(report.loaded, 1 + 1 + 2 + 250 + 10 + 2 + 1);
    assert_eq!(report.files, 7);
    assert_eq!(report.files_passed_over.len(), 1, "{report}");
    let text = report.to_string();
    let notes = folder.path("in/notes.txt").display().to_string();
    let skipped = format!("1 file skipped (not .json, .ndjson, .jsonl, .gz): {notes}\n");
    assert!(text.contains(&skipped), "{text}");
    for (kind, count) in
        [("Patient", 262), ("Observation", 1), ("Device", 1), ("Basic", 2), ("Bundle", 1)]
    {
        assert_eq!(fake.count(kind), count, "{kind}");
    }
    let single = fake.seen("PUT").into_iter().find(|seen| seen.path == "/fhir/Observation/o1");
    assert_eq!(single.unwrap().body, exact);
    // 250 lines are three groups, the other files a request each.
    assert_eq!(fake.seen("POST").len() + fake.seen("PUT").len(), 3 + 6);
    assert!(fake.seen("POST").iter().all(|seen| seen.key.is_some()));
    assert!(fake.seen("PUT").iter().all(|seen| seen.key.is_none()));
    assert_eq!(fake.lock().tokens_given, 1);
}

#[tokio::test]
async fn numbers_in_groups_stay_exact() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    let lines = "{\"resourceType\":\"Basic\",\"id\":\"a\",\"x\":1.50}\n\
                 {\"resourceType\":\"Basic\",\"id\":\"b\",\"x\":0.10000000000000000001}\n";
    let path = folder.write("a.ndjson", lines);
    assert!(run(&fake, &folder, vec![path]).await.ok());
    let sent = fake.seen("POST");
    assert!(sent[0].body.contains(":1.50}") && sent[0].body.contains(":0.10000000000000000001}"));
}

#[tokio::test]
async fn bad_moments_are_survived_without_duplicates() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    fake.lock().faults =
        [Fault::Status(503), Fault::Drop, Fault::Busy(1), Fault::Status(429)].into();
    let mut options = options(&fake, &folder, vec![folder.write("b.json", transaction(&["a"]))]);
    options.connection.retry.tries = 5;
    let report = load(options).await.unwrap();
    assert!(report.ok(), "{report}");
    assert_eq!(report.retried, 4);
    assert_eq!(report.loaded, 1);
    assert_eq!(fake.count("Patient"), 1, "the lost answer's request was not done twice");
    let keys: HashSet<_> = fake.seen("POST").into_iter().map(|seen| seen.key.unwrap()).collect();
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    fake.lock().tokens_expired = 1;
    let report = run(&fake, &folder, vec![folder.write("p.ndjson", patients(0..3))]).await;
    assert!(report.ok(), "{report}");
    assert_eq!(fake.lock().tokens_given, 2);

    let mut options = options(&fake, &folder, vec![folder.write("q.ndjson", patients(3..6))]);
    for (auth, expected) in [
        (Auth::Token("wrong".to_owned()), "/fhir refuses the token (401): login."),
        (Auth::None, "/fhir refuses a request without a token (401): login."),
        (
            Auth::client("dev-backend", "wrong"),
            "/auth/token gives client dev-backend no token (401): invalid_client.",
        ),
    ] {
        options.connection.auth = auth;
        let report = load(options.clone()).await.unwrap();
        assert_eq!((report.ok(), report.loaded, report.errors.len()), (false, 0, 0), "{report}");
        assert!(report.aborted.clone().unwrap().ends_with(expected), "{report}");
    }
}

#[tokio::test]
async fn one_bad_resource_does_not_hold_up_its_group() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    fake.lock().poison = Some("p7\"".to_owned());
    let mut lines = patients(0..20);
    lines.push_str("{\"resourceType\":\n{\"resourceType\":\"Patient\",\"id\":\"no spaces\"}\n");
    let path = folder.write("p.ndjson", lines);
    let report = run(&fake, &folder, vec![path.clone()]).await;
    assert_eq!((report.loaded, report.failed), (19, 3), "{report}");
    assert_eq!(fake.count("Patient"), 19);
    let mut lines: Vec<_> = report.errors.iter().map(ToString::to_string).collect();
    lines.sort();
    let file = path.display();
    let broken = format!("{file}, line 21, column 16: This is no JSON: EOF while parsing a value.");
    assert_eq!(lines[0], broken);
    assert_eq!(
        lines[1],
        format!("{file}, line 22: An id has 1 to 64 characters of A-Z a-z 0-9 . -.")
    );
    assert_eq!(lines[2], format!("{file}, line 8: 422: this one is poisoned."));
    assert_eq!(report.journal, Some(folder.path(".journal")));
    assert!(report.to_string().ends_with(&format!(
        "; 3 failed. Run the same again to send what is missing (journal {}).",
        folder.path(".journal").display()
    )));
    let machine: Value = serde_json::to_value(&report).unwrap();
    assert_eq!(machine["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_refused_transaction_names_its_entry() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    fake.lock().poison = Some("bad".to_owned());
    let both = transaction(&["good", "bad"]);
    for (name, text, place) in [
        ("b.json", both.clone(), "line 1, entry 2"),
        ("c.ndjson", [transaction(&["fine"]), both].join("\n"), "line 2, entry 2"),
    ] {
        let path = folder.write(name, text);
        let report = run(&fake, &folder, vec![path.clone()]).await;
        assert_eq!((report.failed, report.errors.len()), (2, 1));
        let said = format!(
            "{}, {place}: 422: this one is poisoned. None of its 2 entries is stored.",
            path.display()
        );
        assert_eq!(report.errors[0].to_string(), said);
    }
}

#[tokio::test]
async fn groups_too_large_for_the_server_are_halved() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    fake.lock().entries_max = Some(30);
    let report = run(&fake, &folder, vec![folder.write("p.ndjson", patients(0..100))]).await;
    assert!(report.ok(), "{report}");
    assert_eq!(fake.count("Patient"), 100);
}

#[tokio::test]
async fn only_what_failed_is_sent_again() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    // Without ids every resource is a POST: sent twice, it would be there twice.
    let lines: String = (0..1000)
        .map(|n| format!("{{\"resourceType\":\"Basic\",\"x\":\"n{n}\"}}\n"))
        .chain([patients(0..50)])
        .collect();
    let options = options(&fake, &folder, vec![folder.write("b.ndjson", lines)]);
    fake.lock().poison = Some("\"n55".to_owned());
    let first = load(options.clone()).await.unwrap();
    assert_eq!((first.loaded, first.failed), (1039, 11), "{first}");
    let second = load(options.clone()).await.unwrap();
    assert_eq!((second.resumed, second.loaded, second.failed), (1039, 0, 11), "{second}");
    fake.lock().poison = None;
    let third = load(options).await.unwrap();
    assert!(third.ok(), "{third}");
    assert_eq!((third.resumed, third.loaded), (1039, 11), "{third}");
    assert_eq!((fake.count("Basic"), fake.count("Patient")), (1000, 50));
}

#[tokio::test]
async fn a_finished_load_has_nothing_to_do() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    folder.write("in/b.ndjson", "{\"resourceType\":\"Basic\"}\n{\"resourceType\":\"Basic\"}\n");
    folder.write("in/p.ndjson", patients(0..3));
    let mut options = options(&fake, &folder, vec![folder.path("in")]);
    assert_eq!(load(options.clone()).await.unwrap().loaded, 5);
    let sent = fake.lock().seen.len();
    let report = load(options.clone()).await.unwrap();
    assert!(report.ok() && fake.lock().seen.len() == sent, "{report}");
    let journal = folder.path(".journal");
    let expected = format!(
        "2 files were loaded before (journal {}); nothing to do. --again loads all anew.",
        journal.display()
    );
    assert_eq!(report.to_string(), expected);
    assert_eq!(std::fs::read_to_string(&journal).unwrap().lines().count(), 3);

    folder.write("in/q.ndjson", patients(3..4));
    let report = load(options.clone()).await.unwrap();
    assert_eq!((report.files, report.loaded, report.files_before), (1, 1, 2), "{report}");
    assert!(report.to_string().starts_with("Loaded 1 resource from 1 file in "), "{report}");

    options.again = true;
    let report = load(options).await.unwrap();
    assert_eq!((report.files, report.loaded, report.files_before), (3, 6, 0), "{report}");
    assert_eq!((fake.count("Basic"), fake.count("Patient")), (4, 4), "again is again");
}

#[tokio::test]
async fn a_stopped_load_goes_on_where_it_was() {
    for times in [1, 2] {
        let fake = Fake::start().await;
        let folder = Folder::new();
        let lines = "{\"resourceType\":\"Basic\"}\n".repeat(1_000);
        let mut options = options(&fake, &folder, vec![folder.write("b.ndjson", lines)]);
        options.parallel = 1;
        fake.lock().faults = [Fault::Hold].into();
        let stop = options.stop.clone();
        let running = tokio::spawn(load(options.clone()));
        fake.holds().await;
        (0..times).for_each(|_| stop.ask());
        if times == 1 {
            fake.release();
        }
        let report = running.await.unwrap().unwrap();
        assert!(!report.ok() && report.stopped && report.failed == 0, "{report}");
        let known = if times == 1 { (100, 0) } else { (0, 1) };
        assert_eq!((report.loaded, report.unknown), known, "{report}");
        assert!(report.to_string().contains("Stopped: run the same again"), "{report}");
        options.stop = client::Stop::default();
        let report = load(options).await.unwrap();
        assert!(report.ok(), "{report}");
        assert_eq!(fake.count("Basic"), 1_000, "what was cut off came once");
    }
}

#[tokio::test]
async fn a_full_disk_stops_the_run() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    let options = options(&fake, &folder, vec![folder.write("p.ndjson", patients(0..5000))]);
    fake.lock().faults = [Fault::Status(507)].into();
    let report = load(options.clone()).await.unwrap();
    assert!(report.loaded <= 4900 && report.failed == 0, "{report}");
    assert_eq!(report.aborted.unwrap(), "The server's disk is full (507): fault.");
    let again = load(options).await.unwrap();
    assert!(again.ok(), "{again}");
    assert_eq!((again.resumed, again.loaded), (report.loaded, 5000 - report.loaded));
}

#[tokio::test]
async fn a_server_that_is_away_is_named_at_once() {
    let folder = Folder::new();
    let fake = Fake::start().await;
    let mut options = options(&fake, &folder, vec![folder.write("p.ndjson", patients(0..500))]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    options.connection.url = format!("http://{}/fhir", closed.local_addr().unwrap());
    drop(closed);
    options.connection.auth = Auth::None;
    let said = load(options.clone()).await.unwrap_err().to_string();
    let begin = format!("Nobody answers at {} (Connection refused", options.connection.url);
    assert!(said.starts_with(&begin) && said.ends_with("or name another with --url."), "{said}");
    assert!(!folder.path(".journal").exists(), "nothing was noted");

    options.connection = fake.connection();
    options.connection.url = fake.url.replace("/fhir", "/elsewhere");
    let said = load(options.clone()).await.unwrap_err().to_string();
    assert!(said.contains("/elsewhere/metadata is not there (404): --url must name"), "{said}");

    options.connection = fake.connection();
    fake.lock().faults = (0..100).map(|_| Fault::Status(503)).collect();
    let report = load(options).await.unwrap();
    let reason = report.aborted.unwrap();
    assert!(reason.ends_with("answers 503, even after 4 tries."), "{reason}");
}

#[tokio::test]
async fn what_is_referred_to_arrives_first() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    for kind in ["Observation", "Patient", "Organization", "ExplanationOfBenefit"] {
        let line = format!("{{\"resourceType\":\"{kind}\",\"id\":\"1\"}}\n");
        folder.write(&format!("{kind}.000.ndjson"), line);
    }
    let stream = [transaction(&["first"]), transaction(&["second"]), transaction(&["third"])];
    folder.write("shared.ndjson", stream.join("\n"));
    assert!(run(&fake, &folder, vec![folder.0.clone()]).await.ok());
    let order: Vec<_> = fake.seen("PUT").into_iter().map(|seen| seen.path).collect();
    let expected = ["Organization", "Patient", "Observation", "ExplanationOfBenefit"];
    assert_eq!(order, expected.map(|kind| format!("/fhir/{kind}/1")));
    assert!(fake.seen("POST")[0].body.contains("first"));
    assert_eq!(fake.count("Patient"), 4);
}

#[tokio::test]
async fn unusable_inputs_are_refused_in_a_sentence() {
    let fake = Fake::start().await;
    let folder = Folder::new();
    folder.write("empty/readme.txt", "");
    for (inputs, expected) in [
        (vec![], "Name at least one file or folder"),
        (vec![folder.path("missing.json")], "missing.json cannot be read"),
        (vec![folder.path("empty")], "There are no .json, .ndjson or .jsonl files"),
    ] {
        let error = load(options(&fake, &folder, inputs)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let history = json!({"resourceType": "Bundle", "type": "history"}).to_string();
    let report = run(&fake, &folder, vec![folder.write("h.json", history)]).await;
    assert_eq!(report.errors[0].message, "A Bundle of type history cannot be loaded.");
    let report = run(&fake, &folder, vec![folder.write("n.json", "{\"a\":\n1}")]).await;
    assert_eq!(report.errors[0].message, "There is no resourceType.");
}
