//! `carebridge audit hold`, `release` and `list`: months of the record that must stay.

use std::fmt;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use canonical_model::{ResourceId, ResourceType};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use nix::unistd::{User, getuid};
use serde::Serialize;
use store::Store;
use store::record::{Hold, Holds, NewHold};
use telemetry::Clock;

use crate::output;
use crate::settings::DomainFlags;
use crate::start;

/// Keep what the record has of a patient, of a person or of everybody, however old it becomes
///
/// Months of the record are dropped when they are older than `[audit] keep_months`. One that a hold is on stays,
/// whole, until it is released.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge audit hold --patient 42 --reason 'Case 2026-17'\n  carebridge audit hold --person Practitioner/7 --from 2025-01-01 --to 2025-06-30 --reason 'Inquiry'\n  carebridge audit hold --everything --reason 'Litigation' --by ada"
)]
pub(crate) struct Lay {
    #[command(flatten)]
    server: DomainFlags,
    #[command(flatten)]
    what: What,
    /// From this day; without it, from the beginning
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// To this day; without it, without an end
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who lays it, as the record is to say; by default the user of the system who runs the command
    #[arg(long, env = "USER", value_name = "NAME", hide_env_values = true)]
    by: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct What {
    /// What names this patient, by the id of the Patient
    #[arg(long, value_name = "ID")]
    patient: Option<String>,
    /// What this person did, as Practitioner/7
    #[arg(long, value_name = "REFERENCE")]
    person: Option<String>,
    /// All of the record
    #[arg(long)]
    everything: bool,
}

/// Release a hold
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge audit release 3")]
pub(crate) struct Release {
    #[command(flatten)]
    server: DomainFlags,
    /// Its number, as `carebridge audit list` shows it
    hold: i64,
    /// Who releases it, as the record is to say; by default the user of the system who runs the command
    #[arg(long, env = "USER", value_name = "NAME", hide_env_values = true)]
    by: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// List all holds, the released ones too
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge audit list --json")]
pub(crate) struct List {
    #[command(flatten)]
    server: DomainFlags,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Laid {
    hold: i64,
}

impl fmt::Display for Laid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Hold {} is laid. `carebridge audit release {}` releases it.",
            self.hold, self.hold
        )
    }
}

#[derive(Serialize)]
struct Released {
    hold: i64,
}

impl fmt::Display for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Hold {} is released: what was kept by it alone goes with the next sweep.",
            self.hold
        )
    }
}

#[derive(Serialize)]
struct Listed {
    holds: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    hold: i64,
    patient: Option<String>,
    person: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    reason: String,
    made_by: String,
    made_at: DateTime<Utc>,
    released_by: Option<String>,
    released_at: Option<DateTime<Utc>>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.holds.is_empty() {
            return f.write_str("There are no holds.");
        }
        let lines: Vec<String> = self.holds.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.hold)?;
        match (&self.patient, &self.person) {
            (Some(patient), _) => write!(f, "Patient/{patient}")?,
            (None, Some(person)) => f.write_str(person)?,
            (None, None) => f.write_str("everything")?,
        }
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        if self.from.is_some() || self.to.is_some() {
            write!(f, "  {}..{}", day(self.from), day(self.to))?;
        }
        write!(f, "  {} ({}, {})", self.reason, self.made_by, self.made_at.format("%Y-%m-%d"))?;
        match (&self.released_by, self.released_at) {
            (Some(by), Some(at)) => write!(f, "  released by {by}, {}", at.format("%Y-%m-%d")),
            _ => Ok(()),
        }
    }
}

impl Line {
    fn of(hold: Hold) -> Self {
        let Hold { hold, patient, person, begins, ends, reason, made_by, made_at, released } = hold;
        let (released_by, released_at) = released.unzip();
        Self {
            hold,
            patient,
            person,
            from: begins,
            to: ends,
            reason,
            made_by,
            made_at,
            released_by,
            released_at,
        }
    }
}

pub(crate) async fn lay(command: Lay) -> Result<ExitCode> {
    let Lay { server, what, from, to, reason, by, json } = command;
    let patient = what.patient.as_deref().map(ResourceId::parse).transpose()?;
    if let Some(person) = &what.person {
        let form = "--person is a reference such as Practitioner/7";
        let (kind, id) = person.split_once('/').context(form)?;
        ensure!(PEOPLE.contains(&kind) && ResourceId::parse(id).is_ok(), "{form}");
    }
    ensure!(!reason.trim().is_empty(), "--reason says why: it must not be empty.");
    let made_by = whose(by)?;
    let new = NewHold { patient, person: what.person, begins: from, ends: to, reason, made_by };
    let (holds, store) = holds(server).await?;
    if let Some(id) = &new.patient {
        let identity = store.hasher().identity(ResourceType::PATIENT, id.as_str());
        let there = store.patient_ids(&[identity]).await?;
        ensure!(!there.is_empty(), "There never was a Patient/{id} here: nothing would be held.");
    }
    let hold = holds.lay(Clock::system().now(), &new).await?;
    output::report(&Laid { hold }, json)?;
    Ok(ExitCode::SUCCESS)
}

/// Who does it: the name that was said, or that of the system's user, whom a service or a container has no `USER` for.
fn whose(said: Option<String>) -> Result<String> {
    if let Some(said) = said.filter(|name| !name.trim().is_empty()) {
        return Ok(said);
    }
    let uid = getuid();
    let user = User::from_uid(uid).context("The system's users cannot be read; say --by")?;
    Ok(user.map_or_else(|| format!("uid {uid}"), |user| user.name))
}

/// What a user can be.
const PEOPLE: [&str; 5] =
    ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person"];

pub(crate) async fn release(command: Release) -> Result<ExitCode> {
    let Release { server, hold, by, json } = command;
    let by = whose(by)?;
    let released = holds(server).await?.0.release(Clock::system().now(), hold, &by).await?;
    ensure!(released, "No hold {hold} stands: `carebridge audit list` shows them all.");
    output::report(&Released { hold }, json)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn list(command: List) -> Result<ExitCode> {
    let List { server, json } = command;
    let all = holds(server).await?.0.list().await?;
    output::report(&Listed { holds: all.into_iter().map(Line::of).collect() }, json)?;
    Ok(ExitCode::SUCCESS)
}

async fn holds(server: DomainFlags) -> Result<(Holds, Store)> {
    let settings = server.settings()?;
    let store = start::store(&settings).await?;
    Ok((Holds::new(settings.database.url()?.reveal(), &store)?, store))
}
