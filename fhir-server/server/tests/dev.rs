//! `carebridge dev` and `serve` as programs: what they say, and how they end.
#![cfg(feature = "dev")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("carebridge-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn carebridge(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carebridge"));
    command.current_dir(dir).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CAREBRIDGE_") && name != "CAREBRIDGE_PG_BIN" {
            command.env_remove(name);
        }
    }
    command
}

/// A running `dev` that has printed its banner.
struct Dev {
    child: Child,
    banner: Vec<String>,
    origin: String,
}

impl Dev {
    fn start(dir: &Path) -> Self {
        Self::start_with(dir, &["--no-demo"])
    }

    fn start_with(dir: &Path, more: &[&str]) -> Self {
        let words = [&["dev", "--listen", "127.0.0.1:0", "--home", "home"], more].concat();
        let mut child = carebridge(dir, &words).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut banner = Vec::new();
        for line in lines {
            let last = line.contains("Ctrl-C");
            banner.push(line);
            if last {
                break;
            }
        }
        let mut dev = Self { child, banner, origin: String::new() };
        dev.origin = dev.said("FHIR R4").trim_end_matches("/fhir").to_owned();
        dev
    }

    /// What the banner says behind a name.
    fn said(&self, name: &str) -> &str {
        let line = self.banner.iter().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap().trim()
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.origin.trim_start_matches("http://")).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends a signal; the exit code, if it ended by itself.
    fn end(mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

/// The exit code and what it said on standard error, of a command that ends by itself.
fn refusal(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn starts_says_where_and_comes_back_after_every_end() {
    let folder = Folder::new("dev");
    for signal in [Signal::SIGINT, Signal::SIGKILL, Signal::SIGTERM] {
        let dev = Dev::start(&folder.0);
        let banner = dev.banner.join("\n");
        for part in
            ["dev-backend", "dev-secret", "/auth/token", "/readyz", "postgres://", "Seal key"]
        {
            assert!(banner.contains(part), "{part} is not in {banner}");
        }
        let ready = dev.get("/readyz");
        assert!(ready.starts_with("HTTP/1.1 200"), "before {signal}: {ready}");
        // Links carry the port that was found.
        assert!(dev.get("/fhir/.well-known/smart-configuration").contains(&dev.origin));
        let second = ["dev", "--listen", "127.0.0.1:0", "--home", "home"];
        let (code, said) = refusal(carebridge(&folder.0, &second));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("is in use by process") && said.lines().count() == 1, "{said}");
        let busy = dev.origin.trim_start_matches("http://").to_owned();
        let third = ["dev", "--listen", &busy, "--home", "home"];
        let (code, said) = refusal(carebridge(&folder.0, &third));
        assert_eq!(code, Some(1), "{said}");
        let owner = format!("the system of home runs already, as process {}:", dev.child.id());
        assert!(said.contains(&owner) && said.lines().count() == 1, "{said}");
        let expected = (signal != Signal::SIGKILL).then_some(0);
        assert_eq!(dev.end(signal), expected, "{signal}");
    }
}

/// Skipped over http: `tls` tries the two.
const SKIPPED: [&str; 2] = ["G06", "G09"];

#[test]
fn passes_the_conformance_suite_as_it_is_started() {
    let folder = Folder::new("judged");
    let dev = Dev::start_with(&folder.0, &[]);
    let loaded = Path::new(dev.said("Data ")).join("people.loaded");
    let begun = Instant::now();
    while !folder.0.join(&loaded).exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} does not come", loaded.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    let base = format!("{}/fhir", dev.origin);
    let words = ["conformance", "run", "--json", "--base", &base, "--vars", "home/suite.json"];
    let output = carebridge(&folder.0, &words).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap().iter();
    let skipped = cases.filter(|case| case["verdict"] == "skipped");
    // What the server does not say that it does is not tried.
    let unsaid = |case: &&Value| case["why"].as_str().unwrap().starts_with("it declares no");
    let skipped = skipped.filter(|case| !unsaid(case)).map(|case| case["id"].as_str().unwrap());
    assert_eq!(skipped.collect::<Vec<_>>(), SKIPPED, "{report:#}");
    assert!(report["failed"] == 0 && report["gaps"] == 0, "{report:#}");
    assert!(report["passed"].as_u64() > Some(150), "{report:#}");
    assert!(output.status.success());
    assert_eq!(dev.end(Signal::SIGTERM), Some(0));
}

#[test]
fn says_in_one_sentence_why_it_does_not_start() {
    let folder = Folder::new("refusals");
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = held.local_addr().unwrap().to_string();
    std::fs::create_dir_all(folder.0.join("foreign/data")).unwrap();
    std::fs::write(folder.0.join("bad.toml"), "[database]\npool = 3\n").unwrap();
    let database = ["--database-url", "postgres://a:hunter2@127.0.0.1:1/x"];
    for (words, expected) in [
        (&["dev", "--listen", &busy][..], "is in use by another program"),
        (&["dev", "--listen", "127.0.0.1:0", "--home", "foreign"], "was not made by CareBridge"),
        (&["dev", "--config", "bad.toml"], "bad.toml, line 2: unknown field `pool`"),
        (&["serve"], "CAREBRIDGE_DATABASE_URL"),
        (&["admin", "reindex"], "`carebridge dev` (`make run`) prints its own as Database"),
        (&["load", "bad.toml", "--url", "notaurl"], "is not an http or https URL"),
        (&["export", "new", "--url", "notaurl"], "is not an http or https URL"),
        (&["serve", database[0], database[1]], "signing_key"),
        (&["migrate", database[0], database[1]], "not reachable"),
        (&["load", "nothing.json"], "nothing.json"),
        (
            &["load", "bad.toml", "--url", "http://127.0.0.1:1/fhir"],
            "Nobody answers at http://127.0.0.1:1/fhir",
        ),
        (&["export", "bad.toml"], "is a file"),
        (&["export", "foreign"], "is not empty"),
        (&["generate", "--output", "foreign"], "is not empty"),
        (
            &["generate", "--output", "x", "--patients", "0"],
            "A population has 1 to 100000000 patients.",
        ),
        (
            &["generate", "--output", "x", "--patients", "-1"],
            "A population has 1 to 100000000 patients.",
        ),
    ] {
        let (code, said) = refusal(carebridge(&folder.0, words));
        let usage = ["--patients", "notaurl"].iter().any(|word| words.contains(word));
        let expected_code = if usage { 2 } else { 1 };
        assert_eq!(code, Some(expected_code), "{words:?}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{words:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert!(!folder.0.join(".carebridge").exists());
}

#[test]
fn a_load_that_is_stopped_says_how_to_go_on() {
    let folder = Folder::new("stopped");
    std::fs::write(folder.0.join("a.json"), "{\"resourceType\":\"Patient\"}").unwrap();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        // Somebody who listens and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/fhir", silent.local_addr().unwrap());
        let load = carebridge(&folder.0, &["load", "a.json", "--url", &url]).spawn().unwrap();
        let _held = silent.accept().unwrap();
        kill(Pid::from_raw(i32::try_from(load.id()).unwrap()), signal).unwrap();
        let output = load.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("Stopped: run the same again to go on from here"), "{said}");
    }
    assert!(!folder.0.join(".carebridge").exists(), "nothing was done, nothing is noted");
}
