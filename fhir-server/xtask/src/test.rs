//! `make test`: every test of the workspace against one private, durable PostgreSQL, and one closing
//! line over all runners: `N passed, N failed`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use cluster::{Cluster, Options};

use crate::shell::{Running, cargo, require};
use crate::{npm, setup};

/// Runs the whole workspace, or what `args` select.
pub(crate) fn test(root: &Path, args: &[String]) -> Result<ExitCode, String> {
    let everything = ["--workspace".to_owned()];
    let narrowed = args.iter().any(|arg| arg == "-p" || arg.starts_with("--package"));
    let scope: &[String] = if narrowed { &[] } else { &everything };
    run(root, &[scope, args].concat(), &[])
}

/// Sets up, starts the cluster, runs `cargo test ARGS`. The closing line comes in any case.
pub(crate) fn run(
    root: &Path,
    args: &[String],
    environment: &[(&str, &str)],
) -> Result<ExitCode, String> {
    let tally = attempt(root, args, environment).unwrap_or_else(|sentence| {
        eprintln!("{sentence}");
        Tally { failed: 1, ..Tally::default() }
    });
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn attempt(root: &Path, args: &[String], environment: &[(&str, &str)]) -> Result<Tally, String> {
    setup::setup(root)?;
    // Some tests need these, and say so where they are not there.
    for packages in &npm::PACKAGES {
        match packages.install(root) {
            Ok(true) => println!("{} of the tests: there.", packages.name),
            Ok(false) => {}
            Err(sentence) => eprintln!("{sentence}"),
        }
    }
    match setup::browser() {
        Ok(()) => println!("Browser of the tests: there."),
        Err(sentence) => eprintln!("{sentence}"),
    }
    if !args.iter().any(|arg| arg == "--workspace") {
        // The fault tests start the real binary; for its own package's tests cargo builds it.
        let fault = "The binary `carebridge` could not be built.";
        require(cargo(root).args(["build", "--workspace", "--bin", "carebridge"]), fault)?;
    }
    // Dropped at the end; if we are killed first, by Ctrl-C or harder, its guard removes it.
    let cluster = Cluster::open(Options::temporary()).map_err(|e| e.to_string())?;
    let mut command = cargo(root);
    command.args(["test", "--no-fail-fast"]).args(args);
    if !args.iter().any(|arg| arg == "--") {
        command.arg("--");
    }
    // Without it the runners swallow what passing tests say: reports, and what was skipped.
    command.arg("--show-output");
    command.env("CAREBRIDGE_TEST_DATABASE_URL", cluster.url("postgres"));
    command.envs(environment.iter().copied());
    stream(&mut command, &mut std::io::stdout())
}

/// What the runners counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: Vec<String>,
}

/// Passes the output on as it comes and counts.
fn stream(command: &mut Command, out: &mut impl Write) -> Result<Tally, String> {
    let fault = |e: std::io::Error| format!("Could not run `cargo test`: {e}.");
    let mut running = Running::start(command.stdout(Stdio::piped())).map_err(fault)?;
    let mut tally = Tally::default();
    if let Some(stdout) = running.child().stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.map_err(fault)?;
            let line = String::from_utf8_lossy(&line);
            writeln!(out, "{line}").map_err(fault)?;
            tally.count(&line);
        }
    }
    let succeeded = running.wait().map_err(fault)?;
    // A build that fails, or a runner that dies, prints no result.
    if !succeeded && tally.failed == 0 {
        tally.failed = 1;
    }
    for line in &tally.skipped {
        writeln!(out, "{line}").map_err(fault)?;
    }
    Ok(tally)
}

impl Tally {
    /// `test result: ok. 11 passed; 0 failed; 0 ignored; …` closes each runner's output.
    fn count(&mut self, line: &str) {
        if line.starts_with("SKIPPED: ") && !self.skipped.iter().any(|known| known == line) {
            self.skipped.push(line.to_owned());
        }
        let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split(';') {
            match part.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_closing_lines() {
        let cases = [
            ("test result: ok. 11 passed; 0 failed; 2 ignored; finished in 24.83s", 11, 0),
            ("test result: FAILED. 8 passed; 3 failed; 0 ignored; 0 measured", 8, 3),
            ("test lasts ... ok", 0, 0),
            ("said: test result: ok. 5 passed; 0 failed", 0, 0),
        ];
        let mut sum = Tally::default();
        for (line, passed, failed) in cases {
            let mut one = Tally::default();
            one.count(line);
            assert_eq!((one.passed, one.failed), (passed, failed), "{line}");
            sum.count(line);
        }
        assert_eq!(sum, Tally { passed: 19, failed: 3, skipped: vec![] });
    }

    #[test]
    fn counts_a_run_that_gave_no_result() {
        let cases = [
            ("echo 'test result: ok. 2 passed; 0 failed;'", 2, 0),
            ("echo 'test result: ok. 2 passed; 0 failed;'; exit 101", 2, 1),
            ("echo 'test result: FAILED. 2 passed; 4 failed;'; exit 101", 2, 4),
            ("exit 101", 0, 1),
        ];
        for (script, passed, failed) in cases {
            let mut out = Vec::new();
            let tally = stream(Command::new("sh").args(["-c", script]), &mut out).unwrap();
            assert_eq!((tally.passed, tally.failed), (passed, failed), "{script}");
        }
    }
}
