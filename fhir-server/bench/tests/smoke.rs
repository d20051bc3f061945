//! Runs the suites as a user does, in small: the limit against itself on a private PostgreSQL.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's panic is its report")]

use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output},
};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench")).args(arguments).output().unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

/// Runs a suite against itself and returns its rows.
fn rows(suite: &str, arguments: &[&str]) -> Vec<Value> {
    let out = folder(suite);
    let mut all = vec![suite, "--out", out.to_str().unwrap()];
    all.extend(arguments);
    let output = bench(&all);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let text = std::fs::read_to_string(out.join(format!("{suite}.json"))).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["suite"], suite);
    assert!(report["machine"].as_str().unwrap().contains("PostgreSQL"));
    assert!(!report["commit"].as_str().unwrap().is_empty());
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 1, "only the report stays: {left:?}");
    let rows = report["rows"].as_array().unwrap().clone();
    for row in &rows {
        assert!(row["ratio"].as_f64().unwrap() > 0.0, "{row}");
        assert_eq!(row["pass"], Value::Null, "a smoke run is not judged: {row}");
    }
    rows
}

#[test]
fn store_measures_every_workload_on_both_sides() {
    let rows = rows("store", &["--noise", "--quick", "--seconds", "0.1"]);
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    let expected = [
        "read",
        "create",
        "update",
        "conditional-create",
        "transaction",
        "read, p99 at 8 clients",
        "create, p99 at 8 clients",
        "read, over the best peer known",
        "create, over the best peer known",
        "update, over the best peer known",
        "conditional-create, over the best peer known",
        "transaction, over the best peer known",
        "create, p99 at 8 clients across a checkpoint",
    ];
    assert_eq!(names, expected);
    for row in rows.iter().take(5) {
        for side in ["ours", "limit"] {
            for run in ["1", "8", "32"] {
                let run = &row[side]["closed"][run];
                assert!(run["requests"].as_u64().unwrap() > 0, "{row}");
                assert!(run["server_peak_rss_mib"].as_f64().unwrap() > 0.0, "{row}");
            }
            assert!(row[side]["open"]["offered_per_s"].as_f64().unwrap() > 0.0, "{row}");
            assert!(row[side]["best"]["p50_ms"].as_f64().unwrap() > 0.0, "{row}");
        }
    }
}

#[test]
fn store_scale_compares_two_sizes() {
    let small = ["--noise", "--quick", "--seconds", "0.1", "--small", "1000", "--large", "2000"];
    let rows = rows("store-scale", &small);
    assert_eq!(rows.len(), 1, "memory and disk of the limit are not ours: {rows:?}");
    assert!(rows[0]["ours"]["growth"].as_f64().unwrap() > 0.0);
}

#[test]
fn index_designs_are_compared_in_everything() {
    let rows = rows("index-designs", &["--sizes", "1000,2000", "--seconds", "0.05"]);
    // Two sizes, two peers; load, five searches, update, create, disk.
    assert_eq!(rows.len(), 2 * 2 * 9);
    for row in &rows {
        assert!(!row["limit"].is_null(), "{row}");
    }
}

#[test]
fn search_asks_both_sides_for_the_same() {
    let carebridge = PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("carebridge");
    let carebridge = carebridge.to_str().unwrap();
    let small = ["--quick", "--sizes", "1000,2000", "--only", "by name", "--binary", carebridge];
    let rows = rows("search", &small);
    let row = |name: &str| rows.iter().find(|row| row["name"].as_str().unwrap().contains(name));
    for name in ["by name, all", "by name, a practitioner's", "by name, then youngest"] {
        let look = &row(name).unwrap()["ours"]["look"];
        assert_eq!(look["differs"], Value::Null, "{look}");
        assert_eq!(look["closed"].as_array().unwrap().len(), 3, "{look}");
        assert!(look["matches"].is_number() && look["rows_read"].is_number(), "{look}");
        assert!(look["open"]["limit"]["requests"].as_u64().unwrap() > 0, "{look}");
    }
    let all = &row("by name, all").unwrap()["ours"]["look"];
    assert!(
        all["matches"].as_f64().unwrap() > 1.0 && all["rows_read"].as_u64().unwrap() > 1,
        "{all}"
    );
    for name in ["median at", "worst in index order", "before statistics", "on disk", "load,"] {
        assert!(row(name).is_some(), "{name} is missing");
    }
}

#[test]
fn auth_measures_with_and_without() {
    let carebridge = PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("carebridge");
    let carebridge = carebridge.to_str().unwrap();
    let rows = rows("auth", &["--quick", "--seconds", "0.2", "--binary", carebridge]);
    for name in ["without the record", "without rights", "token of a program", "under a constraint"]
    {
        let mut found = rows.iter().filter(|row| row["name"].as_str().unwrap().contains(name));
        let row = found.next().unwrap_or_else(|| panic!("{name} is missing"));
        assert!(row["got"].as_f64().unwrap() > 0.0 && !row["ours"].is_null(), "{row}");
    }
    assert_eq!(rows.len(), 2 * 2 + 1 + 3);
}

#[test]
fn validate_measures_what_rules_and_codes_cost() {
    let carebridge = PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("carebridge");
    let carebridge = carebridge.to_str().unwrap();
    let rows = rows("validate", &["--quick", "--seconds", "0.2", "--binary", carebridge]);
    // Structure, a profile, a Bundle, memory, creates; then three askings of terminology.
    assert_eq!(rows.len(), 5 + 3, "{rows:?}");
    let is_memory = |row: &Value| row["name"].as_str().is_some_and(|it| it.starts_with("memory"));
    let measured = |row: &Value| row["got"].as_f64().is_some_and(|got| got > 0.0 || is_memory(row));
    assert!(rows.iter().all(measured), "{rows:?}");
}

#[test]
fn refuses_other_machines_and_nonsense() {
    for (arguments, said) in [
        (vec!["store", "--url", "http://192.0.2.1/fhir"], "another machine"),
        (vec!["store", "--url", "https://127.0.0.1/fhir"], "only http://"),
        (vec!["store", "--noise", "--database-url", "postgres://a@192.0.2.1/b"], "another machine"),
        (vec!["store", "--noise", "--seconds", "100000"], "--seconds"),
        (vec!["store", "--noise", "--pool", "0"], "--pool"),
        (vec!["store-scale", "--noise", "--large", "100000000000"], "--large"),
        (vec!["limit", "--listen", "0.0.0.0:0", "--database", "postgres://127.0.0.1"], "loopback"),
        (
            vec!["limit", "--listen", "127.0.0.1:0", "--database", "postgres://a@192.0.2.1/b"],
            "another",
        ),
    ] {
        let out = folder("refused");
        let mut all = arguments.clone();
        if arguments[0] != "limit" {
            all.extend(["--out", out.to_str().unwrap()]);
        }
        let output = bench(&all);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

#[test]
fn a_wrong_answer_fails_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/fhir", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            if stream.read(&mut request).is_ok() {
                let answer = "HTTP/1.1 418 I'm a teapot\r\ncontent-length: 5\r\n\r\nshort";
                stream.write_all(answer.as_bytes()).ok();
            }
        }
    });
    let out = folder("wrong");
    let output = bench(&["store", "--quick", "--url", &url, "--out", out.to_str().unwrap()]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("418") && error.contains("short"), "{error}");
}
