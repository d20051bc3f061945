//! What a load did, for people and for machines.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::limits::{ERRORS_LISTED_MAX, SKIPPED_NAMED_MAX};
use crate::text::counted;

/// What a load did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadReport {
    /// Files read, standard input among them.
    pub files: u64,
    /// Files that an earlier run had loaded, and that have not changed since.
    pub files_before: u64,
    /// Files of a folder that hold no FHIR.
    pub files_passed_over: Vec<String>,
    /// Files of a folder that were not opened, for their names end in something else.
    pub files_skipped: Vec<String>,
    /// Resources the server accepted in this run.
    pub loaded: u64,
    /// Resources of the files read that an earlier run had loaded.
    pub resumed: u64,
    /// Of these, those that the server answered by what it keeps of an earlier request, for 24 hours: one that was deleted
    /// since stays deleted.
    pub replayed: u64,
    /// Resources, or whole files that could not be read, that failed.
    pub failed: u64,
    /// Requests whose answer a stopped run did not wait for; they are repeated without doubling.
    pub unknown: u64,
    /// Requests that had to be repeated.
    pub retried: u64,
    /// Bytes sent as request bodies.
    pub bytes_sent: u64,
    /// Wall clock.
    pub seconds: f64,
    /// Accepted resources a second.
    pub resources_per_second: f64,
    /// The first errors; `failed` counts all.
    pub errors: Vec<LoadError>,
    /// Why the run ended early. The same command resumes it.
    pub aborted: Option<String>,
    /// Whether it was stopped from outside. The same command resumes it.
    pub stopped: bool,
    /// The journal of what is loaded, if there is one.
    pub journal: Option<PathBuf>,
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadError {
    /// The file, `-` for standard input.
    pub file: String,
    /// `line 17` or `entry 3`, counted from 1; nothing where all of the file is meant.
    pub at: Option<String>,
    /// The HTTP status, if the server answered.
    pub status: Option<u16>,
    /// What the server, or the reader, said.
    pub message: String,
    /// Resources that failed with it: all of a refused transaction.
    pub resources: u64,
}

impl LoadReport {
    /// Whether everything was loaded: the exit code.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.failed == 0 && self.aborted.is_none() && !self.stopped
    }

    /// What did not go as asked, a line each.
    fn troubles(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{error}")?;
        }
        let listed: u64 = self.errors.iter().map(|error| error.resources).sum();
        if self.failed > listed {
            writeln!(f, "… and {}.", counted(self.failed - listed, "more failure"))?;
        }
        for file in &self.files_passed_over {
            writeln!(f, "{file}: passed over, it holds no FHIR.")?;
        }
        if !self.files_skipped.is_empty() {
            writeln!(f, "{}", self.skipped())?;
        }
        match &self.aborted {
            Some(reason) => writeln!(f, "Ended early: {reason}"),
            None => Ok(()),
        }
    }

    fn skipped(&self) -> String {
        let count = self.files_skipped.len();
        let named: Vec<&str> =
            self.files_skipped.iter().take(SKIPPED_NAMED_MAX).map(String::as_str).collect();
        let more = match count - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let files = counted(count as u64, "file");
        format!("{files} skipped (not .json, .ndjson, .jsonl, .gz): {}{more}", named.join(", "))
    }

    /// What was done.
    fn summary(&self) -> String {
        let mut text = format!(
            "Loaded {} from {} in {:.1} s ({:.0}/s)",
            counted(self.loaded, "resource"),
            counted(self.files, "file"),
            self.seconds,
            self.resources_per_second
        );
        for (count, thing) in [(self.resumed, "resource"), (self.files_before, "file")] {
            if count > 0 {
                text.push_str(&format!("; {}", before(count, thing)));
            }
        }
        if self.unknown > 0 {
            text.push_str(&format!("; {} not waited for", counted(self.unknown, "answer")));
        }
        if self.failed > 0 {
            text.push_str(&format!("; {} failed", self.failed));
        }
        text + "." + &self.replays()
    }

    /// What the server answered from what it keeps, so that nobody takes it for loaded anew.
    fn replays(&self) -> String {
        if self.replayed == 0 {
            return String::new();
        }
        format!(
            " The server knew {} of these from a request of the last 24 hours and did nothing: what was deleted since stays \
             deleted; --again loads all anew.",
            self.replayed
        )
    }
}

fn before(count: u64, thing: &str) -> String {
    format!("{} {} loaded before", counted(count, thing), if count == 1 { "was" } else { "were" })
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.file == "-" { "standard input" } else { &self.file })?;
        if let Some(at) = &self.at {
            write!(f, ", {at}")?;
        }
        match self.status {
            Some(status) => write!(f, ": {status}: {}", self.message)?,
            None => write!(f, ": {}", self.message)?,
        }
        match self.resources {
            1 => Ok(()),
            all => write!(f, " None of its {all} entries is stored."),
        }
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.troubles(f)?;
        let journal = self.journal.as_ref().map(|path| format!(" (journal {})", path.display()));
        let journal = journal.unwrap_or_default();
        if self.ok() && self.files == 0 && self.files_before > 0 {
            let before = before(self.files_before, "file");
            return write!(f, "{before}{journal}; nothing to do. --again loads all anew.");
        }
        f.write_str(&self.summary())?;
        match (self.ok(), self.stopped) {
            (true, _) => Ok(()),
            (false, true) => write!(f, " Stopped: run the same again to go on from here{journal}."),
            (false, false) => write!(f, " Run the same again to send what is missing{journal}."),
        }
    }
}

/// A report while it is filled by many.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<LoadReport>);

impl Tally {
    pub(crate) fn new(report: LoadReport) -> Self {
        Self(Mutex::new(report))
    }

    /// The report, to change. A panic elsewhere does not make the counts wrong.
    pub(crate) fn lock(&self) -> MutexGuard<'_, LoadReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fail(&self, error: LoadError) {
        let mut report = self.lock();
        report.failed += error.resources;
        if report.errors.len() < ERRORS_LISTED_MAX {
            report.errors.push(error);
        }
    }

    /// Stops the run; the first reason stays.
    pub(crate) fn abort(&self, reason: String) {
        self.lock().aborted.get_or_insert(reason);
    }

    pub(crate) fn aborted(&self) -> bool {
        self.lock().aborted.is_some()
    }
}
