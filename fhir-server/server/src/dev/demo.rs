//! Demo data: those whom the accounts are, and a small synthetic population; each loaded once, behind the banner's
//! back.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use client::{
    Auth, Connection, Format, GenerateOptions, LoadOptions, LoadReport, Output, Retry, generate,
};
use tokio::task::spawn_blocking;
use tokio_util::task::AbortOnDropHandle;

use crate::fault;
use crate::limits::DEMO_PATIENTS;

/// Any seed would do; this one makes the demo the same everywhere. The examples of docs/search.md find something in it.
pub(crate) const SEED: u64 = 1;

/// A practitioner who cares for a patient, with a little of what an app asks for, and an administrator: those whom
/// the demo's accounts are.
const PEOPLE: &str = include_str!("people.json");

/// Loads what is missing into the server at `address`: the people of the accounts, and the population. `folder` lives as long as the data and says what was done. An interrupted load is repeated at the next
/// start: each request carries its `Idempotency-Key`, so nothing comes twice.
pub(crate) fn load(address: SocketAddr, folder: PathBuf) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let people = |files: &Path| {
            fs::create_dir_all(files)?;
            Ok(fs::write(files.join("people.json"), PEOPLE)?)
        };
        say("people", load_once(address, &folder, "people", PEOPLE, people).await);
        say("population", load_once(address, &folder, "demo", "", generated).await);
    }))
}

fn say(what: &str, outcome: Result<Option<LoadReport>>) {
    match outcome {
        Ok(None) => {}
        Ok(Some(LoadReport { loaded, seconds, .. })) => {
            tracing::info!(what, resources = loaded, seconds, "Demo data is loaded.");
        }
        Err(error) => {
            let why = fault::sentence(&error);
            tracing::warn!(what, why, "Demo data is not loaded; the next start tries again.");
        }
    }
}

/// Whether an earlier start loaded all of it.
pub(crate) fn is_loaded(folder: &Path) -> bool {
    was_loaded(&mark(folder, "people"), PEOPLE) && was_loaded(&mark(folder, "demo"), "")
}

/// Whether the mark says that this was loaded: people who were added since come with the next start.
fn was_loaded(mark: &Path, what: &str) -> bool {
    fs::read(mark).is_ok_and(|said| said == what.as_bytes())
}

fn mark(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.loaded"))
}

fn generated(files: &Path) -> Result<()> {
    let options = GenerateOptions {
        population: generator::Options::new(SEED, DEMO_PATIENTS),
        format: Format::Bundles,
        gzip: false,
        output: Output::Folder(files.to_owned()),
        force: false,
        progress: false,
    };
    generate(&options).map(drop)
}

async fn load_once(
    address: SocketAddr,
    folder: &Path,
    name: &str,
    what: &str,
    make: impl FnOnce(&Path) -> Result<()> + Send + 'static,
) -> Result<Option<LoadReport>> {
    let mark = mark(folder, name);
    if was_loaded(&mark, what) {
        return Ok(None);
    }
    let (files, journal) = (folder.join(name), folder.join(format!("{name}.journal")));
    forget(&files)?;
    forget(&journal)?;
    let made = files.clone();
    spawn_blocking(move || make(&made)).await??;
    let url = format!("http://{address}/fhir");
    let connection = Connection { url, auth: Auth::default(), retry: Retry::default() };
    let report = client::load(LoadOptions {
        connection,
        inputs: vec![files.clone()],
        // Few at once: whoever tries the system out comes first.
        parallel: 2,
        journal: Some(journal.clone()),
        progress: false,
        ..LoadOptions::default()
    })
    .await?;
    ensure!(report.ok(), "{report}");
    fs::write(&mark, what).with_context(|| format!("{} cannot be written", mark.display()))?;
    forget(&files)?;
    forget(&journal)?;
    Ok(Some(report))
}

/// Removes a file or folder that may be there.
fn forget(path: &Path) -> Result<()> {
    let gone = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false if path.exists() => fs::remove_file(path),
        false => Ok(()),
    };
    gone.with_context(|| format!("{} cannot be removed", path.display()))
}
