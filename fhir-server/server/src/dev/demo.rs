//! Demo data: a small synthetic population, loaded once, behind the banner's back.

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

/// Any seed would do; this one makes the demo the same everywhere.
const SEED: u64 = 1;

/// Loads the demo into the server at `address` unless `folder`, which lives as long as the data,
/// says that it was done. An interrupted load is repeated at the next start: each request carries
/// its `Idempotency-Key`, so nothing comes twice.
pub(crate) fn load(address: SocketAddr, folder: PathBuf) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        match load_once(address, &folder).await {
            Ok(None) => {}
            Ok(Some(LoadReport { loaded, seconds, .. })) => {
                tracing::info!(
                    patients = DEMO_PATIENTS,
                    resources = loaded,
                    seconds,
                    "Demo data is loaded."
                );
            }
            Err(error) => {
                let why = fault::sentence(&error);
                tracing::warn!(why, "Demo data is not loaded; the next start tries again.");
            }
        }
    }))
}

/// Whether an earlier start loaded it.
pub(crate) fn is_loaded(folder: &Path) -> bool {
    mark(folder).exists()
}

fn mark(folder: &Path) -> PathBuf {
    folder.join("demo.loaded")
}

async fn load_once(address: SocketAddr, folder: &Path) -> Result<Option<LoadReport>> {
    let mark = mark(folder);
    if mark.exists() {
        return Ok(None);
    }
    let (files, journal) = (folder.join("demo"), folder.join("demo.journal"));
    forget(&files)?;
    forget(&journal)?;
    let options = GenerateOptions {
        population: generator::Options::new(SEED, DEMO_PATIENTS),
        format: Format::Bundles,
        gzip: false,
        output: Output::Folder(files.clone()),
        force: false,
        progress: false,
    };
    spawn_blocking(move || generate(&options)).await??;
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
    fs::write(&mark, "").with_context(|| format!("{} cannot be written", mark.display()))?;
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
