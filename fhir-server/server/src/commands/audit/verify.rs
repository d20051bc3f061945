//! `carebridge audit verify`: whether the record is what was sealed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use store::record::{Fault, KnownHead, Question, Verified, Verifier};

use crate::commands::progress::bar;
use crate::limits::FAULTS_SHOWN_MAX;
use crate::output;
use crate::settings::DomainFlags;
use crate::start;

/// Show whether the record of accesses is what was sealed
///
/// Reads every seal and every row under it, and names what was changed afterwards: rows that were edited, deleted,
/// added or swapped, seals that are missing or were made anew, months that are gone; and where sealing stands still.
/// Servers go on meanwhile.
/// Without the key of `[seal]`, only heads that were kept elsewhere tell a foreign key.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge audit verify\n  carebridge audit verify --heads audit-heads.jsonl --changes\n  carebridge audit verify --from 2026-03-01 --to 2026-03-31 --json\n\nEnds with 0 where everything is as it was sealed, with 1 where anything is not.\nBeside `carebridge dev` (`make run`), set CAREBRIDGE_DATABASE_URL to what that prints as Database."
)]
pub(crate) struct Verify {
    #[command(flatten)]
    server: DomainFlags,
    /// Heads that were kept elsewhere: the file of `[audit] heads`, or the servers' log as JSON
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// Compare the rows of this day's month and later ones only; the chain of seals is always followed whole
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Compare the rows of this day's month and earlier ones only
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// Also look for a row of each version of each resource
    #[arg(long)]
    changes: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Whether nothing is wrong.
    sound: bool,
    seals: i64,
    rows: u64,
    versions: Option<u64>,
    dropped: Vec<NaiveDate>,
    unsealed: i64,
    unsealed_since: Option<DateTime<Utc>>,
    head: Option<HeadLine>,
    heads_known: usize,
    keys_proven: bool,
    faults: Vec<FaultLine>,
    more_faults: u64,
}

#[derive(Serialize)]
struct HeadLine {
    seal: i64,
    head: String,
    sealed_at: DateTime<Utc>,
    kid: String,
}

#[derive(Serialize)]
struct FaultLine {
    kind: &'static str,
    audit_id: Option<i64>,
    other_id: Option<i64>,
    at: Option<DateTime<Utc>>,
    month: Option<NaiveDate>,
    seal: Option<i64>,
    text: String,
}

pub(crate) async fn run(command: Verify) -> Result<ExitCode> {
    let settings = command.server.settings()?;
    let heads = match &command.heads {
        Some(file) => known_heads(file)?,
        None => Vec::new(),
    };
    let url = settings.database.url()?.reveal();
    let verifier = Verifier::new(url, start::keys(&settings).await?)?;
    let Verify { from, to, changes, json, .. } = command;
    // Where nothing is to be sealed nothing waits.
    let age_max = TimeDelta::from_std(settings.audit.unsealed_max)?;
    let sealed_until = (!settings.seal.none).then(|| settings.clock.now() - age_max);
    let question = Question { from, to, heads, changes, sealed_until };
    let bar = bar(json)?;
    let mut show = |done, all: u64| {
        bar.set_length(all.max(1));
        bar.set_position(done);
    };
    let verified = verifier.verify(&question, &mut show).await?;
    bar.finish_and_clear();
    let report = Report::of(verified, &question);
    output::report(&report, json)?;
    Ok(if report.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The heads in a file of them, or in a log: lines of JSON that have `seal` and `head`.
fn known_heads(file: &Path) -> Result<Vec<KnownHead>> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
    let mut heads = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{name}, line {}", number + 1);
        let line: Value =
            serde_json::from_str(line).with_context(|| format!("{place}: no JSON"))?;
        let fields = line.get("fields").unwrap_or(&line);
        let (Some(seal), Some(head)) = (fields.get("seal"), fields.get("head")) else { continue };
        let head = head.as_str().and_then(of_hex);
        let (Some(seal), Some(head)) = (seal.as_i64(), head) else {
            bail!("{place}: `seal` must be a number and `head` 64 hexadecimal digits.");
        };
        heads.push(KnownHead { seal, head });
    }
    ensure!(!heads.is_empty(), "{name} holds no line with `seal` and `head`.");
    Ok(heads)
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect();
    bytes.try_into().ok().filter(|_| text.len() == 64)
}

impl Report {
    fn of(verified: Verified, question: &Question) -> Self {
        let Verified { seals, rows, versions, dropped, unsealed, head, keys_proven, .. } = verified;
        Self {
            sound: verified.faults.is_empty() && verified.more_faults == 0,
            seals,
            rows,
            versions: question.changes.then_some(versions),
            dropped,
            unsealed: unsealed.rows,
            unsealed_since: unsealed.since,
            head: head.map(|head| HeadLine {
                seal: head.seal,
                head: head.hex(),
                sealed_at: head.sealed_at,
                kid: head.kid,
            }),
            heads_known: question.heads.len(),
            keys_proven,
            faults: verified.faults.into_iter().map(FaultLine::of).collect(),
            more_faults: verified.more_faults,
        }
    }
}

impl FaultLine {
    fn of(fault: Fault) -> Self {
        let Fault { kind, audit_id, other_id, at, month, seal, text } = fault;
        Self { kind: kind.as_str(), audit_id, other_id, at, month, seal, text }
    }
}

impl fmt::Display for FaultLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.text)?;
        match (self.at, self.month) {
            (Some(at), _) => write!(f, " ({})", at.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
            (None, Some(month)) if self.audit_id.is_some() => {
                write!(f, " (of {})", month.format("%Y-%m"))
            }
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in self.faults.iter().take(FAULTS_SHOWN_MAX) {
            writeln!(f, "{fault}")?;
        }
        let all = u64::try_from(self.faults.len()).unwrap_or(0) + self.more_faults;
        let shown = u64::try_from(FAULTS_SHOWN_MAX).unwrap_or(u64::MAX);
        if all > shown {
            writeln!(f, "and {} more", all - shown)?;
        }
        write!(f, "{} rows under {} seals were compared", self.rows, self.seals)?;
        if let Some(versions) = self.versions {
            write!(f, ", {versions} versions looked up")?;
        }
        match all {
            0 => f.write_str(": all is as it was sealed.")?,
            1 => f.write_str(": 1 fault.")?,
            _ => write!(f, ": {all} faults.")?,
        }
        if let Some(since) = self.unsealed_since {
            let (rows, since) = (self.unsealed, since.format("%Y-%m-%dT%H:%M:%SZ"));
            write!(f, "\nNot sealed, so not provable: {rows} rows, since {since}.")?;
        }
        if !self.dropped.is_empty() {
            let months: Vec<_> =
                self.dropped.iter().map(|month| month.format("%Y-%m").to_string()).collect();
            write!(f, "\nDropped, with a signed record of it: {}.", months.join(", "))?;
        }
        if !self.keys_proven {
            f.write_str("\nWhether the seals' keys are ours was not looked at: there is no key of `[seal]`.")?;
        }
        if self.heads_known == 0 {
            f.write_str("\nWithout --heads, seals missing at the end are not noticed.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_from_their_file_and_from_a_log() {
        let hex = "ab".repeat(32);
        let own = format!(r#"{{"seal":7,"head":"{hex}","kid":"k"}}"#);
        let log =
            format!(r#"{{"level":"INFO","fields":{{"message":"…","seal":8,"head":"{hex}"}}}}"#);
        let other = r#"{"level":"INFO","fields":{"message":"Listening."}}"#;
        for (text, expected) in [
            (format!("{own}\n\n{other}\n{log}\n"), Ok(vec![7, 8])),
            (other.to_owned(), Err("holds no line")),
            ("no json".to_owned(), Err("line 1: no JSON")),
            (own.replace("ab", "g"), Err("line 1: `seal` must be")),
            (own.replace("abab", "ab"), Err("line 1: `seal` must be")),
        ] {
            let name = format!("carebridge-heads-{}-{}", std::process::id(), text.len());
            let file = std::env::temp_dir().join(name);
            std::fs::write(&file, &text).unwrap();
            let read = known_heads(&file).map_err(|error| format!("{error:#}"));
            std::fs::remove_file(&file).unwrap();
            match (read, expected) {
                (Ok(heads), Ok(seals)) => {
                    assert!(heads.iter().all(|head| head.head == [0xab; 32]));
                    assert_eq!(heads.iter().map(|head| head.seal).collect::<Vec<_>>(), seals);
                }
                (Err(said), Err(part)) => assert!(said.contains(part), "{said}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }
}
