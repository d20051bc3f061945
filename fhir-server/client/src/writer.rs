//! Puts what is generated where it belongs: standard output, a file for each piece, or files that
//! grow.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};

use crate::folder::{self, part, unwritable};
use crate::generate::{Format, GenerateOptions, Output};

/// A piece of output, in order: whole files, or what a longer file continues with.
pub(crate) struct Piece {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Puts pieces where they belong.
pub(crate) enum Writer {
    Stdout(BufWriter<io::Stdout>),
    /// A file per name, whole in one piece.
    Files(PathBuf),
    /// Files that grow; put in their place at the end.
    Growing(PathBuf, BTreeMap<String, BufWriter<File>>),
}

impl Writer {
    pub(crate) fn new(options: &GenerateOptions) -> Result<Self> {
        let folder = match &options.output {
            Output::Stdout => return Ok(Self::Stdout(BufWriter::new(io::stdout()))),
            Output::Folder(folder) => folder.clone(),
        };
        folder::check(&folder, options.force)?;
        folder::make(&folder)?;
        Ok(match options.format {
            Format::Bundles => Self::Files(folder),
            Format::Ndjson => Self::Growing(folder, BTreeMap::new()),
        })
    }

    pub(crate) fn write(&mut self, piece: Piece) -> Result<()> {
        match self {
            Self::Stdout(out) => out.write_all(&piece.bytes).map_err(closed),
            Self::Files(folder) => {
                let path = folder.join(&piece.name);
                let hidden = path.with_extension("part");
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).with_context(|| unwritable(folder))?;
                }
                fs::write(&hidden, &piece.bytes).with_context(|| unwritable(&hidden))?;
                fs::rename(&hidden, &path).with_context(|| unwritable(&path))
            }
            Self::Growing(folder, files) => {
                let path = part(folder, &piece.name);
                let file = match files.get_mut(&piece.name) {
                    Some(file) => file,
                    None => {
                        let file = File::create(&path).with_context(|| unwritable(&path))?;
                        files.entry(piece.name).or_insert_with(|| BufWriter::new(file))
                    }
                };
                file.write_all(&piece.bytes).with_context(|| unwritable(&path))
            }
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(closed),
            Self::Files(_) => Ok(()),
            Self::Growing(folder, files) => {
                for (name, mut file) in files {
                    let path = folder.join(&name);
                    file.flush().with_context(|| unwritable(&path))?;
                    fs::rename(part(&folder, &name), &path).with_context(|| unwritable(&path))?;
                }
                Ok(())
            }
        }
    }
}

fn closed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => anyhow!("The reader of the output closed it."),
        _ => anyhow!(error).context("The output cannot be written"),
    }
}
