//! What came of a run, for people and for machines.

use std::fmt;

use serde::Serialize;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The FHIR base that was judged.
    pub base: String,
    /// How many cases passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many the server, by its own word, does not offer, or the run was not given what they need.
    pub skipped: usize,
    /// Each case.
    pub cases: Vec<Outcome>,
}

/// A case.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Its number.
    pub id: &'static str,
    /// The suite that it is of, as `smart`.
    pub suite: &'static str,
    /// What holds where it passes.
    pub title: &'static str,
    /// The specification's section.
    pub section: &'static str,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What came of a case.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "why")]
pub enum Verdict {
    /// All steps went as they must.
    Passed,
    /// The first that did not: its number, and what was wrong. Holds no token and no secret.
    Failed(String),
    /// What it would need.
    Skipped(String),
}

impl Report {
    pub(crate) fn of(base: String, cases: Vec<Outcome>) -> Self {
        let count =
            |wanted: fn(&Verdict) -> bool| cases.iter().filter(|it| wanted(&it.verdict)).count();
        Self {
            base,
            passed: count(|verdict| matches!(verdict, Verdict::Passed)),
            failed: count(|verdict| matches!(verdict, Verdict::Failed(_))),
            skipped: count(|verdict| matches!(verdict, Verdict::Skipped(_))),
            cases,
        }
    }

    /// Whether none failed, and one at least was tried.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// The closing line.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { base, passed, failed, skipped, .. } = self;
        format!("{passed} passed, {failed} failed, {skipped} skipped: {base}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.cases {
            writeln!(f, "{case}")?;
        }
        f.write_str(&self.summary())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, title, section, verdict, .. } = self;
        match verdict {
            Verdict::Passed => write!(f, "passed   {id}  {title}"),
            Verdict::Failed(why) => write!(f, "FAILED   {id}  {title}: {why} ({section})"),
            Verdict::Skipped(why) => write!(f, "skipped  {id}  {title}: {why}"),
        }
    }
}
