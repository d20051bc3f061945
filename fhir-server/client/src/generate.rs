//! `carebridge generate`: a synthetic population into files or a pipe, on several threads, with the
//! same bytes on any number of them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use generator::Population;
use serde::Serialize;

use crate::limits::{CHUNK_PATIENTS, FOLDER_PATIENTS, GENERATE_THREADS_MAX};
use crate::progress::Progress;
use crate::text::counted;
use crate::writer::{Piece, Writer};

/// The form of what is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A transaction per patient after one with what they share: a file each, or a line each.
    Bundles,
    /// A file per type, or all types in one stream.
    Ndjson,
}

/// Where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Files in this folder, made if it is not there.
    Folder(PathBuf),
    /// Standard output.
    Stdout,
}

/// What to generate, and where to.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// The population.
    pub population: generator::Options,
    /// The form.
    pub format: Format,
    /// Compress: files end in `.gz`.
    pub gzip: bool,
    /// Where it goes.
    pub output: Output,
    /// Use a folder that holds files, and replace them.
    pub force: bool,
    /// A progress bar, where a terminal is there.
    pub progress: bool,
}

/// What was generated.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GenerateReport {
    /// Patients.
    pub patients: u64,
    /// Resources of all types.
    pub resources: u64,
    /// Bytes before compression.
    pub bytes: u64,
    /// Wall clock.
    pub seconds: f64,
}

impl fmt::Display for GenerateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patients = counted(self.patients, "patient");
        let resources = counted(self.resources, "resource");
        let rate = self.resources as f64 / self.seconds.max(0.001);
        let (mb, seconds) = (self.bytes as f64 / 1e6, self.seconds);
        write!(f, "Generated {patients}, {resources}, {mb:.1} MB in {seconds:.1} s ({rate:.0}/s).")
    }
}

/// What a thread hands over for some patients, in the order of the patients.
struct Chunk {
    pieces: Vec<Piece>,
    patients: u64,
    resources: u64,
    bytes: u64,
}

/// Generates everything.
///
/// # Errors
/// An option is out of range, or a file cannot be written.
pub fn generate(options: &GenerateOptions) -> Result<GenerateReport> {
    let population = Population::new(options.population.clone())?;
    let patients = options.population.patients;
    let progress = Progress::new(options.progress, Some(patients), None);
    let mut writer = Writer::new(options)?;
    let mut report = GenerateReport { patients, ..GenerateReport::default() };
    let mut take = |chunk: Chunk| -> Result<()> {
        report.resources += chunk.resources;
        report.bytes += chunk.bytes;
        progress.add(chunk.patients, chunk.resources);
        chunk.pieces.into_iter().try_for_each(|piece| writer.write(piece))
    };
    take(shared(&population, options))?;
    let chunks = patients.div_ceil(CHUNK_PATIENTS);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (threads.min(GENERATE_THREADS_MAX) as u64).min(chunks).max(1);
    std::thread::scope(|scope| {
        // Thread `t` makes chunks `t`, `t + threads`, …; taking them in turn keeps their order.
        let receivers: Vec<Receiver<Chunk>> = (0..threads)
            .map(|thread| {
                let (sender, receiver) = sync_channel(1);
                let population = &population;
                scope.spawn(move || {
                    let mut own = (thread..chunks).step_by(threads as usize);
                    own.all(|n| sender.send(chunk(population, options, n)).is_ok());
                });
                receiver
            })
            .collect();
        for receiver in (0..chunks).zip(receivers.iter().cycle()).map(|(_, receiver)| receiver) {
            take(receiver.recv().context("A generating thread ended early.")?)?;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    writer.finish()?;
    progress.finish();
    report.seconds = progress.seconds();
    Ok(report)
}

fn shared(population: &Population, options: &GenerateOptions) -> Chunk {
    let mut pieces = Pieces::new(options);
    let resources = match options.format {
        Format::Ndjson => population.shared_ndjson(|kind, line| pieces.line(kind, line)),
        Format::Bundles => {
            pieces.document("shared.json".to_owned(), &population.shared_bundle());
            population.shared_ndjson(|_, _| {})
        }
    };
    pieces.into_chunk(0, resources)
}

fn chunk(population: &Population, options: &GenerateOptions, n: u64) -> Chunk {
    let first = n * CHUNK_PATIENTS;
    let last = (first + CHUNK_PATIENTS).min(options.population.patients);
    let mut pieces = Pieces::new(options);
    let mut resources = 0;
    let mut bundle = Vec::new();
    for index in first..last {
        resources += match options.format {
            Format::Ndjson => population.write_ndjson(index, |kind, line| pieces.line(kind, line)),
            Format::Bundles => {
                bundle.clear();
                let count = population.write_bundle(index, &mut bundle);
                let folder = index / FOLDER_PATIENTS;
                pieces.document(format!("{folder:05}/patient-{index:08}.json"), &bundle);
                count
            }
        };
    }
    pieces.into_chunk(last - first, resources)
}

/// Pieces while they grow.
struct Pieces {
    by_name: BTreeMap<String, Vec<u8>>,
    /// All in one stream, whatever the name.
    stream: bool,
    gzip: bool,
}

impl Pieces {
    fn new(options: &GenerateOptions) -> Self {
        let stream = options.output == Output::Stdout;
        Self { by_name: BTreeMap::new(), stream, gzip: options.gzip }
    }

    fn line(&mut self, kind: &str, line: &[u8]) {
        let name = if self.stream { "" } else { kind };
        let bytes = match self.by_name.get_mut(name) {
            Some(bytes) => bytes,
            None => self.by_name.entry(name.to_owned()).or_default(),
        };
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }

    fn document(&mut self, name: String, document: &[u8]) {
        let name = if self.stream { String::new() } else { name };
        let bytes = self.by_name.entry(name).or_default();
        bytes.extend_from_slice(document);
        bytes.push(b'\n');
    }

    /// Compresses each piece by itself: gzip files may be joined end to end, so that threads can
    /// compress side by side.
    fn into_chunk(self, patients: u64, resources: u64) -> Chunk {
        let bytes = self.by_name.values().map(|bytes| bytes.len() as u64).sum();
        let gzip = self.gzip;
        let pieces = self.by_name.into_iter().map(|(name, bytes)| Piece {
            name: match (name.is_empty() || name.contains('.'), gzip) {
                (true, false) => name,
                (true, true) => format!("{name}.gz"),
                (false, false) => format!("{name}.ndjson"),
                (false, true) => format!("{name}.ndjson.gz"),
            },
            bytes: if gzip { compressed(&bytes) } else { bytes },
        });
        Chunk { pieces: pieces.collect(), patients, resources, bytes }
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail.
    drop(encoder.write_all(bytes));
    encoder.finish().unwrap_or_default()
}
