//! What a load did, for people and for machines.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::limits::ERRORS_LISTED_MAX;

/// What a load did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadReport {
    /// Files read, standard input among them.
    pub files: u64,
    /// Files of a folder that hold no FHIR.
    pub files_passed_over: Vec<String>,
    /// Resources the server accepted in this run.
    pub loaded: u64,
    /// Resources that an earlier run had loaded.
    pub resumed: u64,
    /// Resources, or whole files that could not be read, that failed.
    pub failed: u64,
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
    /// Why the run stopped before its end. The same command resumes it.
    pub aborted: Option<String>,
    /// Where the run's journal lies, if it is needed to resume.
    pub journal: Option<PathBuf>,
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadError {
    /// The file, `-` for standard input.
    pub file: String,
    /// `line 17` or `entry 3`; nothing where all of the file is meant.
    pub at: Option<String>,
    /// The HTTP status, if the server answered.
    pub status: Option<u16>,
    /// What the server, or the reader, said.
    pub message: String,
}

impl LoadReport {
    /// Whether everything was loaded: the exit code.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.failed == 0 && self.aborted.is_none()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(at) = &self.at {
            write!(f, ", {at}")?;
        }
        match self.status {
            Some(status) => write!(f, ": {status}: {}", self.message),
            None => write!(f, ": {}", self.message),
        }
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{error}")?;
        }
        let listed = self.errors.len() as u64;
        if self.failed > listed {
            writeln!(f, "… and {} more failures.", self.failed - listed)?;
        }
        for file in &self.files_passed_over {
            writeln!(f, "{file}: passed over, it holds no FHIR.")?;
        }
        if let Some(reason) = &self.aborted {
            writeln!(f, "Stopped early: {reason}")?;
        }
        write!(
            f,
            "Loaded {} resources from {} files in {:.1} s ({:.0}/s)",
            self.loaded, self.files, self.seconds, self.resources_per_second
        )?;
        if self.resumed > 0 {
            write!(f, "; {} were loaded before", self.resumed)?;
        }
        if self.failed > 0 {
            write!(f, "; {} failed", self.failed)?;
        }
        f.write_str(".")?;
        match &self.journal {
            Some(journal) => write!(f, " Run the same again to resume ({}).", journal.display()),
            None => Ok(()),
        }
    }
}

/// A report while it is filled by many.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<LoadReport>);

impl Tally {
    /// The report, to change. A panic elsewhere does not make the counts wrong.
    pub(crate) fn lock(&self) -> MutexGuard<'_, LoadReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fail(&self, resources: u64, error: LoadError) {
        let mut report = self.lock();
        report.failed += resources;
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
