//! What an answer says of an operation.

use anyhow::{Context, Result, bail};
use canonical_model::Value;

use super::book::Outcome;
use super::operation::Operation;
use crate::client::Answer;

impl Operation {
    /// The outcome that an answer stands for.
    ///
    /// # Errors
    /// It is an internal error, or a success that does not say what was written.
    pub fn outcome(&self, answer: &Answer) -> Result<Outcome> {
        let written = match answer.status {
            200 | 201 if self.path.is_empty() => locations(answer)?,
            // A conditional create that found its resource wrote nothing.
            200 if self.method == "POST" => Vec::new(),
            200 | 201 => vec![reference(answer.header("location"))?],
            204 => {
                let id = self.path.rsplit('/').next().unwrap_or_default();
                let version = answer.version();
                let deleted = (version > 0).then(|| format!("{id}/{version}"));
                deleted.into_iter().collect()
            }
            400..500 | 507 => return Ok(Outcome::Refused(answer.status)),
            500 => bail!("an internal error for {}: {}", self.id, answer.text),
            _ => return Ok(Outcome::Unknown),
        };
        Ok(Outcome::Acknowledged(written))
    }
}

impl Outcome {
    /// The outcome where no answer came. A connection that could not be made carried nothing.
    #[must_use]
    pub fn unanswered(fault: &anyhow::Error) -> Self {
        match fault.downcast_ref::<reqwest::Error>() {
            Some(fault) if fault.is_connect() => Self::NotSent,
            _ => Self::Unknown,
        }
    }
}

fn locations(answer: &Answer) -> Result<Vec<String>> {
    let location = |entry: &Value| {
        let location = entry.get("response").and_then(|response| response.get("location"));
        reference(location.and_then(Value::as_str).unwrap_or_default())
    };
    answer.entries().iter().map(location).collect()
}

/// `…/Patient/1/_history/2` as `1/2`.
fn reference(location: &str) -> Result<String> {
    let (before, version) = location.rsplit_once("/_history/").context("no version is named")?;
    let id = before.rsplit('/').next().unwrap_or_default();
    Ok(format!("{id}/{version}"))
}
