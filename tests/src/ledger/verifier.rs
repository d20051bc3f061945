//! Holds the book against the database.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use anyhow::{Result, bail};
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};

use super::book::{Ledger, Line, Outcome};
use super::{checks, index, wait};

/// Differences told at most.
const TOLD_MAX: usize = 20;

/// Since PostgreSQL last began to count, which a crash makes it do anew.
const DEADLOCKS: &str = "select deadlocks from pg_stat_database where datname = current_database()";

/// What became of the operations.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    acknowledged: usize,
    refused: BTreeMap<u16, usize>,
    not_sent: usize,
    unknown_written: usize,
    unknown_absent: usize,
    versions: usize,
    checked_indexes: bool,
    deadlocks: i64,
}

/// What the database holds.
struct Found {
    /// Versions by the request that wrote them, as `id/version`.
    by_request: HashMap<String, BTreeSet<String>>,
    /// The number inside the content of each version; none for a deletion.
    tags: HashMap<String, Option<String>>,
    /// Statuses in the audit by request.
    statuses: HashMap<String, BTreeSet<u16>>,
}

/// Reads the database and compares. Every operation must be answered, every client at rest.
///
/// # Errors
/// Every difference: something is lost, doubled, torn, or left behind.
pub async fn verify(url: &str, ledger: &Ledger) -> Result<Verdict> {
    let mut connection = PgConnection::connect(url).await?;
    wait::quiet(&mut connection).await?;
    let mut faults = checks::broken(&mut connection).await?;
    faults.extend(index::differs(&mut connection).await?);
    let found = Found::read(&mut connection).await?;
    let mut verdict = Verdict { versions: found.tags.len(), ..Verdict::default() };
    let nothing = BTreeSet::new();
    let lines = ledger.lines();
    for line in &lines {
        let written = found.by_request.get(&line.id).unwrap_or(&nothing);
        verdict.count(line, written.len());
        faults.extend(judge(line, written, &found));
    }
    faults.extend(found.strangers(&lines));
    verdict.deadlocks = sqlx::query_scalar(DEADLOCKS).fetch_one(&mut connection).await?;
    verdict.checked_indexes = checks::indexes_are_sound(&mut connection).await?;
    connection.close().await?;
    if !faults.is_empty() {
        let told: Vec<&str> = faults.iter().map(String::as_str).take(TOLD_MAX).collect();
        bail!("{} differences\n{verdict}\n{}", faults.len(), told.join("\n"));
    }
    Ok(verdict)
}

/// What is wrong with one operation.
fn judge(line: &Line, written: &BTreeSet<String>, found: &Found) -> Option<String> {
    let told = |what: String| Some(format!("{}: {what}, {written:?} is there", line.id));
    match &line.outcome {
        None => told("never answered".to_owned()),
        Some(Outcome::Acknowledged(answer)) => {
            let answer: BTreeSet<String> = answer.iter().cloned().collect();
            if answer == *written { None } else { told(format!("acknowledged as {answer:?}")) }
        }
        Some(Outcome::Refused(status)) if !written.is_empty() => told(format!("refused: {status}")),
        Some(Outcome::Refused(status)) => {
            // A token that is too old is refused before anybody is known who could be recorded.
            let recorded = found.statuses.get(&line.id).is_some_and(|all| all.contains(status));
            if recorded || matches!(status, 401 | 507) {
                None
            } else {
                told(format!("the refusal {status} is not in the audit"))
            }
        }
        Some(Outcome::NotSent) if !written.is_empty() => told("not even sent".to_owned()),
        Some(Outcome::Unknown) if !written.is_empty() && written.len() != line.writes => {
            told(format!("unknown, and neither absent nor whole ({})", line.writes))
        }
        Some(Outcome::NotSent | Outcome::Unknown) => None,
    }
}

impl Found {
    async fn read(connection: &mut PgConnection) -> Result<Self> {
        let mut found =
            Self { by_request: HashMap::new(), tags: HashMap::new(), statuses: HashMap::new() };
        let versions = "select id, version, convert_from(substr(wire, 2), 'UTF8') as text
            from resource union all
            select id, version, convert_from(substr(wire, 2), 'UTF8') from history";
        for row in sqlx::query(versions).fetch_all(&mut *connection).await? {
            let text: Option<String> = row.try_get("text")?;
            let content: Value = serde_json::from_str(text.as_deref().unwrap_or("null"))?;
            let tag = content.pointer("/identifier/0/value").and_then(Value::as_str);
            found.tags.insert(name(&row)?, tag.map(str::to_owned));
        }
        let audit = sqlx::AssertSqlSafe(format!(
            "select request_id, status, id, coalesce(version, 0) as version, {} as wrote from audit",
            checks::WROTE
        ));
        for row in sqlx::query(audit).fetch_all(&mut *connection).await? {
            let request: String = row.try_get("request_id")?;
            let request = request.trim_start_matches("retry.").to_owned();
            if row.try_get("wrote")? {
                found.by_request.entry(request.clone()).or_default().insert(name(&row)?);
            }
            let status = u16::try_from(row.try_get::<i16, _>("status")?)?;
            found.statuses.entry(request).or_default().insert(status);
        }
        Ok(found)
    }

    /// Versions that nobody wrote, or whose content is another operation's.
    fn strangers(&self, lines: &[Line]) -> Vec<String> {
        let known: BTreeSet<&str> = lines.iter().map(|line| line.id.as_str()).collect();
        let mut faults = Vec::new();
        for (request, written) in &self.by_request {
            if !known.contains(request.as_str()) {
                faults.push(format!("{written:?} is of {request}, which is not in the book"));
            }
            for version in written {
                let tag = self.tags.get(version).and_then(Option::as_ref);
                if tag.is_some_and(|tag| tag != request) {
                    faults.push(format!("{version} by {request} holds the content of {tag:?}"));
                }
            }
        }
        faults
    }
}

fn name(row: &sqlx::postgres::PgRow) -> Result<String> {
    let id: Option<String> = row.try_get("id")?;
    Ok(format!("{}/{}", id.unwrap_or_default(), row.try_get::<i32, _>("version")?))
}

impl Verdict {
    fn count(&mut self, line: &Line, written: usize) {
        match line.outcome {
            Some(Outcome::Acknowledged(_)) => self.acknowledged += 1,
            Some(Outcome::Refused(status)) => *self.refused.entry(status).or_default() += 1,
            Some(Outcome::NotSent) => self.not_sent += 1,
            Some(Outcome::Unknown) if written > 0 => self.unknown_written += 1,
            Some(Outcome::Unknown) | None => self.unknown_absent += 1,
        }
    }

    /// Operations whose answer was lost although they were written.
    #[must_use]
    pub fn unknown_written(&self) -> usize {
        self.unknown_written
    }

    /// Refusals with this status.
    #[must_use]
    pub fn refused(&self, status: u16) -> usize {
        self.refused.get(&status).copied().unwrap_or(0)
    }

    /// Successes.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acknowledged
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused: usize = self.refused.values().sum();
        let unknown = self.unknown_written + self.unknown_absent;
        let all = self.acknowledged + refused + self.not_sent + unknown;
        writeln!(f, "{all} operations, {} versions in the database", self.versions)?;
        writeln!(f, "  acknowledged {}: each there once", self.acknowledged)?;
        writeln!(f, "  refused {refused} {:?}: all absent", self.refused)?;
        writeln!(f, "  not sent {}: all absent", self.not_sent)?;
        writeln!(
            f,
            "  unknown {unknown}: {} there once and whole, {} absent",
            self.unknown_written, self.unknown_absent
        )?;
        let checked = if self.checked_indexes { "sound" } else { "not checked: no amcheck" };
        writeln!(f, "  heads, history, index, events, audit agree; B-trees {checked}")?;
        write!(f, "  deadlocks that PostgreSQL had to break: {}", self.deadlocks)
    }
}
