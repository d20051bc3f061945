//! The files of a distribution: one, a folder of them, or a zip archive, of which nothing is written to the disk. What
//! unpacks to far more than it was is refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use canonical_model::Error;
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use terminology::import::Source;
use terminology::limits::DISTRIBUTION_BYTES_MAX;
use zip::ZipArchive;

use crate::limits::{IMPORT_FILES_MAX, IMPORT_FOLDERS_DEEP_MAX, IMPORT_UNPACKED_TIMES_MAX};

/// Bytes that may be unpacked however few they were.
const UNPACKED_FREE_BYTES: u64 = 64 << 20;

/// The files, and how far they have been read.
pub(super) struct Files {
    kept: Kept,
    bar: ProgressBar,
}

enum Kept {
    One(PathBuf),
    Folder(PathBuf, Vec<String>),
    Zip(Box<ZipArchive<BufReader<File>>>),
}

impl Files {
    pub(super) fn open(path: &Path, bar: ProgressBar) -> Result<Self> {
        let shown = || format!("{} cannot be read", path.display());
        let about = std::fs::metadata(path).with_context(shown)?;
        let kept = if about.is_dir() {
            let mut names = Vec::new();
            walk(path, "", 0, &mut names)?;
            Kept::Folder(path.to_owned(), names)
        } else if has_end(path, "zip") {
            let file = BufReader::new(File::open(path).with_context(shown)?);
            let archive = ZipArchive::new(file).with_context(shown)?;
            ensure!(
                archive.len() <= IMPORT_FILES_MAX,
                "The archive has more than {IMPORT_FILES_MAX} files."
            );
            Kept::Zip(Box::new(archive))
        } else {
            Kept::One(path.to_owned())
        };
        bar.set_length(0);
        Ok(Self { kept, bar })
    }
}

fn has_end(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(end))
}

/// Names of all files in a folder, without following links.
fn walk(root: &Path, below: &str, depth: usize, names: &mut Vec<String>) -> Result<()> {
    ensure!(depth <= IMPORT_FOLDERS_DEEP_MAX, "The folders are nested too deep.");
    let folder = root.join(below);
    let shown = || format!("{} cannot be read", folder.display());
    for entry in std::fs::read_dir(&folder).with_context(shown)? {
        let entry = entry.with_context(shown)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().with_context(shown)?;
        if kind.is_dir() {
            walk(root, &name, depth + 1, names)?;
        } else if kind.is_file() {
            ensure!(
                names.len() < IMPORT_FILES_MAX,
                "The folder has more than {IMPORT_FILES_MAX} files."
            );
            names.push(name);
        }
    }
    Ok(())
}

impl Source for Files {
    fn names(&self) -> Vec<String> {
        match &self.kept {
            Kept::One(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                vec![name.strip_suffix(".gz").unwrap_or(&name).to_owned()]
            }
            Kept::Folder(_, names) => names.clone(),
            Kept::Zip(archive) => archive.file_names().map(str::to_owned).collect(),
        }
    }

    fn open(&mut self, name: &str) -> canonical_model::Result<Box<dyn BufRead + '_>> {
        let unreadable =
            |error: io::Error| Error::invalid(format!("{name} cannot be read.")).caused_by(error);
        match &mut self.kept {
            Kept::One(path) => of_file(path, &self.bar).map_err(unreadable),
            Kept::Folder(root, _) => of_file(&root.join(name), &self.bar).map_err(unreadable),
            Kept::Zip(archive) => {
                let file = archive.by_name(name);
                let file = file.map_err(|error| unreadable(io::Error::other(error)))?;
                let packed = file.compressed_size();
                self.bar.inc_length(file.size());
                let counted = Counted { inner: file, bar: Some(self.bar.clone()) };
                Ok(Box::new(BufReader::new(Bounded::new(counted, Some(packed)))))
            }
        }
    }
}

fn of_file(path: &Path, bar: &ProgressBar) -> io::Result<Box<dyn BufRead + 'static>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    bar.inc_length(size);
    let counted = BufReader::new(Counted { inner: file, bar: Some(bar.clone()) });
    Ok(match has_end(path, "gz") {
        true => {
            let unpacked = MultiGzDecoder::new(counted);
            Box::new(BufReader::new(Bounded::new(unpacked, Some(size))))
        }
        false => Box::new(BufReader::new(Bounded::new(counted, None))),
    })
}

/// Moves the bar.
struct Counted<R> {
    inner: R,
    bar: Option<ProgressBar>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(bar) = &self.bar {
            bar.inc(u64::try_from(read).unwrap_or_default());
        }
        Ok(read)
    }
}

/// Ends where it is more than a distribution has, or unpacks to far more than it was.
struct Bounded<R> {
    inner: R,
    read: u64,
    most: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, packed: Option<u64>) -> Self {
        let most = packed.map_or(DISTRIBUTION_BYTES_MAX, |packed| {
            let times = packed.saturating_mul(IMPORT_UNPACKED_TIMES_MAX);
            times.clamp(UNPACKED_FREE_BYTES, DISTRIBUTION_BYTES_MAX)
        });
        Self { inner, read: 0, most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read = self.read.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if self.read > self.most {
            return Err(io::Error::other("it unpacks to far more than a distribution has"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unpacks_to_far_more_is_ended() {
        let endless = || io::repeat(b'x');
        let mut small = Bounded::new(endless(), Some(10));
        let read = io::copy(&mut small, &mut io::sink());
        assert!(read.is_err() && small.read <= UNPACKED_FREE_BYTES + (1 << 20), "{}", small.read);
        let mut plain = Bounded::new(endless().take(1 << 27), None);
        assert_eq!(io::copy(&mut plain, &mut io::sink()).expect("read"), 1 << 27);
    }
}
