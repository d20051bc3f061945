//! What came of a run, for people and for machines.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use askama::Template;
use serde::Serialize;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The FHIR base that was judged.
    pub base: String,
    /// What the server calls itself, and its version.
    pub software: String,
    /// When, in UTC.
    pub at: String,
    /// How many cases passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many failed as is known of this server.
    pub gaps: usize,
    /// How many the server, by its own word, does not offer, or the run was not given what they need.
    pub skipped: usize,
    /// Each case.
    pub cases: Vec<Outcome>,
}

/// A case.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Its number.
    pub id: &'static str,
    /// The suite that it is of, as `smart`.
    pub suite: &'static str,
    /// What holds where it passes.
    pub title: &'static str,
    /// The specification's section.
    pub section: &'static str,
    /// Where it is to be read; empty where the section says enough.
    pub link: &'static str,
    /// How long it took, in seconds.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

fn seconds<S: serde::Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((took.as_secs_f64() * 1000.0).round() / 1000.0)
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "why")]
pub enum Verdict {
    /// All steps went as they must.
    Passed,
    /// The first that did not: its number, and what was wrong. Holds no token and no secret.
    Failed(String),
    /// What it would need.
    Skipped(String),
    /// It failed, as is known of this server: what is missing.
    Gap(String),
}

impl Verdict {
    /// In a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "FAILED",
            Self::Skipped(_) => "skipped",
            Self::Gap(_) => "known gap",
        }
    }

    /// What its colour is called.
    fn class(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Gap(_) => "gap",
        }
    }

    /// Why, unless it passed.
    fn why(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(why) | Self::Skipped(why) | Self::Gap(why) => Some(why),
        }
    }
}

/// The cases of one suite.
struct Part<'a> {
    name: &'static str,
    passed: usize,
    cases: Vec<&'a Outcome>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
}

#[derive(Template)]
#[template(path = "report.xml", escape = "xml")]
struct Junit<'a> {
    report: &'a Report,
}

impl Report {
    pub(crate) fn of(base: String, software: String, at: String, cases: Vec<Outcome>) -> Self {
        let count =
            |wanted: fn(&Verdict) -> bool| cases.iter().filter(|it| wanted(&it.verdict)).count();
        Self {
            base,
            software,
            at,
            passed: count(|verdict| matches!(verdict, Verdict::Passed)),
            failed: count(|verdict| matches!(verdict, Verdict::Failed(_))),
            gaps: count(|verdict| matches!(verdict, Verdict::Gap(_))),
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
        let Self { base, passed, failed, gaps, skipped, .. } = self;
        let known = if *gaps > 0 { format!("{gaps} known gaps, ") } else { String::new() };
        format!("{passed} passed, {failed} failed, {known}{skipped} skipped: {base}")
    }

    /// A page for people, whole in one file.
    ///
    /// # Errors
    /// Where it cannot be written out.
    pub fn html(&self) -> Result<String> {
        Ok(Page { report: self }.render()?)
    }

    /// What build servers read: a test suite for each suite.
    ///
    /// # Errors
    /// As [`Report::html`].
    pub fn junit(&self) -> Result<String> {
        Ok(Junit { report: self }.render()?)
    }

    /// Colour, number, word.
    fn numbers(&self) -> [(&'static str, usize, &'static str); 4] {
        [
            ("passed", self.passed, "passed"),
            ("failed", self.failed, "failed"),
            ("gap", self.gaps, "known gaps"),
            ("skipped", self.skipped, "skipped"),
        ]
    }

    fn suites(&self) -> Vec<Part<'_>> {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for case in &self.cases {
            let passed = usize::from(case.verdict == Verdict::Passed);
            match parts.iter_mut().find(|part| part.name == case.suite) {
                Some(part) => {
                    part.cases.push(case);
                    part.passed += passed;
                }
                None => parts.push(Part { name: case.suite, passed, cases: vec![case] }),
            }
        }
        parts
    }
}

impl Part<'_> {
    fn count(&self, class: &str) -> usize {
        self.cases.iter().filter(|case| case.verdict.class() == class).count()
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
        write!(f, "{:<10} {id}  {title}", verdict.word())?;
        match verdict {
            Verdict::Passed => Ok(()),
            Verdict::Failed(why) => write!(f, ": {why} ({section})"),
            Verdict::Skipped(why) | Verdict::Gap(why) => write!(f, ": {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let verdicts = [
            Verdict::Passed,
            Verdict::Failed("status 500 in place of <200> & \"201\"".to_owned()),
            Verdict::Skipped("needs --var a=…".to_owned()),
            Verdict::Gap("not yet".to_owned()),
        ];
        let cases =
            verdicts.into_iter().zip(["A1", "A2", "B1", "B2"]).map(|(verdict, id)| Outcome {
                id,
                suite: if id < "B" { "first" } else { "second" },
                title: "Something holds",
                section: "A section",
                link: "https://hl7.org/fhir/R4/http.html#read",
                took: Duration::from_millis(1_234),
                verdict,
            });
        let at = "2026-01-02 03:04".to_owned();
        Report::of("http://x/fhir".to_owned(), "Server 1".to_owned(), at, cases.collect())
    }

    #[test]
    fn the_page_names_each_case_and_escapes_what_it_says() {
        let page = report().html().unwrap();
        for id in ["A1", "A2", "B1", "B2"] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(page.contains("&#60;200&#62;") && !page.contains("<200>"), "{page}");
        assert!(page.contains("1 passed, 1 failed, 1 known gaps, 1 skipped: http://x/fhir"));
        assert!(!page.contains("<script") && !page.contains("http-equiv"));
    }

    #[test]
    fn the_xml_counts_for_each_suite() {
        let xml = report().junit().unwrap();
        assert!(xml.starts_with("<?xml"), "{xml}");
        assert!(
            xml.contains(r#"<testsuite name="first" tests="2" failures="1" skipped="0""#),
            "{xml}"
        );
        assert!(
            xml.contains(r#"<testsuite name="second" tests="2" failures="0" skipped="2""#),
            "{xml}"
        );
        assert!(xml.contains(r#"time="1.234""#) && !xml.contains("<200>"), "{xml}");
    }

    #[test]
    fn the_lines_say_all() {
        let text = report().to_string();
        assert!(text.contains("FAILED     A2  Something holds: status 500"), "{text}");
        assert!(text.contains("known gap  B2  Something holds: not yet"), "{text}");
    }
}
