//! `cargo xtask TASK`: what the Makefile names and the integration server calls. Only the standard
//! library, `cluster`, signals and a JSON reader, so that it is built in seconds on a fresh machine.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks there")]

mod bench;
mod chaos;
pub mod definitions;
mod docs;
mod licences;
mod lint;
mod metadata;
mod npm;
mod order;
mod run;
mod setup;
mod shell;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask TASK

  setup          install missing system packages, fetch the FHIR definitions
  run [ARGS]     setup, build, `carebridge dev ARGS` in the foreground
  test [ARGS]    setup, then every test against a private PostgreSQL; ARGS go to `cargo test`
  lint           format, clippy, structure, licences
  tidy           the part of lint that builds nothing: structure, licences, stale pages
  docs           write docs/search.md from the tables beside the code
  ci             lint, then test
  bench [SUITE]  setup, then the benchmark suites, built for release
  chaos          the fault tests at full length
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let ended = shell::pass_signals_on().and_then(|()| dispatch(&task, &rest));
    match (shell::stopped(), ended) {
        (Some(code), _) => {
            eprintln!("Stopped.");
            ExitCode::from(code)
        }
        (None, Ok(code)) => code,
        (None, Err(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(task: &str, rest: &[String]) -> Result<ExitCode, String> {
    let root = root()?;
    match task {
        "setup" => setup::setup(&root).map(|()| ExitCode::SUCCESS),
        "run" => run::run(&root, rest),
        "test" => test::test(&root, rest),
        "lint" => lint::lint(&root),
        "tidy" => lint::tidy(&root),
        "docs" => docs::docs(&root),
        "ci" => {
            let linted = lint::lint(&root)?;
            let tested = test::test(&root, rest)?;
            Ok(if linted == ExitCode::SUCCESS { tested } else { linted })
        }
        "bench" => bench::bench(&root, rest),
        "chaos" => chaos::chaos(&root),
        _ => {
            print!("{HELP}");
            let asked = matches!(task, "" | "help" | "-h" | "--help");
            Ok(if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// The checkout: cargo tells where this crate is, two folders below.
fn root() -> Result<PathBuf, String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = here.as_deref().and_then(|dir| dir.ancestors().nth(2));
    root.map(PathBuf::from).ok_or_else(|| "Start me as `cargo xtask`.".to_owned())
}
