//! What a load has done already, so that the same command can resume it: a text file, only ever
//! appended to, with a line per request that succeeded or was refused. It is removed when a load
//! ends without failure.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

const TITLE: &str = "carebridge load journal 1";

/// Names a request by what it holds and its place in its file: the same again has the same key,
/// whichever run sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

impl Key {
    pub(crate) fn of(place: u64, body: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(place.to_be_bytes());
        digest.update(body);
        let bytes: [u8; 32] = digest.finalize().into();
        Self(bytes.iter().take(16).fold(0, |key, byte| (key << 8) | u128::from(*byte)))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What earlier runs know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    Done,
    /// How often the server refused it for good: it stored nothing then.
    Refused(u32),
}

/// A journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    past: HashMap<Key, Past>,
    file: Mutex<File>,
}

impl Journal {
    /// Where the journal of a load lies unless told otherwise: by server and inputs.
    pub(crate) fn default_path(url: &str, inputs: &[PathBuf]) -> PathBuf {
        let mut digest = Sha256::new();
        digest.update(url.as_bytes());
        for input in inputs {
            let whole = input.canonicalize().unwrap_or_else(|_| input.clone());
            digest.update(b"\n");
            digest.update(whole.as_os_str().as_encoded_bytes());
        }
        let hash = digest.finalize();
        let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Path::new(".carebridge").join(format!("load-{name}.journal"))
    }

    /// Opens a journal, or begins one.
    pub(crate) fn open(path: &Path, url: &str) -> Result<Self> {
        let wrong = || format!("The journal {} cannot be opened.", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(wrong)?;
        }
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).append(true).create(true).open(path).with_context(wrong)?;
        let mut lines = BufReader::new(&file).lines();
        let title = format!("{TITLE} {url}");
        let mut past = HashMap::new();
        match lines.next().transpose().with_context(wrong)? {
            None => file.write_all(format!("{title}\n").as_bytes()).with_context(wrong)?,
            Some(first) if first == title => {
                // A line that a crash cut short does not parse and counts as not done.
                for line in lines.map_while(Result::ok) {
                    remember(&line, &mut past);
                }
                end_line(&mut file).with_context(wrong)?;
            }
            Some(_) => bail!("{} is not the journal of a load into {url}.", path.display()),
        }
        Ok(Self { path: path.to_owned(), past, file: Mutex::new(file) })
    }

    /// Whether there was no earlier run.
    pub(crate) fn is_new(&self) -> bool {
        self.past.is_empty()
    }

    /// Whether an earlier run has done this.
    pub(crate) fn done(&self, key: Key) -> bool {
        self.past.get(&key) == Some(&Past::Done)
    }

    /// The `Idempotency-Key` of a request. One that was refused gets a new one: a server that keeps
    /// its answers would otherwise refuse it for ever.
    pub(crate) fn idempotency(&self, key: Key) -> String {
        match self.past.get(&key) {
            Some(Past::Refused(times)) => format!("{key}-{times}"),
            _ => key.to_string(),
        }
    }

    /// Notes a success.
    pub(crate) fn note_done(&self, key: Key, file: &str) -> Result<()> {
        self.append(&format!("{key}\tdone\t{}\n", file.replace(['\t', '\n'], " ")))
    }

    /// Notes that the server refused a request and stored nothing of it.
    pub(crate) fn note_refused(&self, key: Key, file: &str) -> Result<()> {
        self.append(&format!("{key}\trefused\t{}\n", file.replace(['\t', '\n'], " ")))
    }

    fn append(&self, line: &str) -> Result<()> {
        let mut held = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.write_all(line.as_bytes())
            .with_context(|| format!("The journal {} cannot be written.", self.path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing is left to resume.
    pub(crate) fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path)
            .with_context(|| format!("The journal {} cannot be removed.", self.path.display()))
    }
}

fn remember(line: &str, past: &mut HashMap<Key, Past>) {
    let mut parts = line.split('\t');
    let key = parts.next().filter(|text| text.len() == 32);
    let key = key.and_then(|text| u128::from_str_radix(text, 16).ok()).map(Key);
    // Without the third part the line was cut short.
    let (Some(key), Some(word), Some(_)) = (key, parts.next(), parts.next()) else { return };
    let known = past.entry(key).or_insert(Past::Refused(0));
    match (word, *known) {
        ("done", _) => *known = Past::Done,
        ("refused", Past::Refused(times)) => *known = Past::Refused(times + 1),
        _ => {}
    }
}

/// Ends a line that a crash left open, so that the next note starts one of its own.
fn end_line(file: &mut File) -> std::io::Result<()> {
    use std::io::{Seek, SeekFrom};
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != [b'\n'] {
        file.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_across_runs_and_crashes() {
        let folder = std::env::temp_dir().join(format!("journal-{}", std::process::id()));
        let path = folder.join("a/load.journal");
        let (one, two, three) = (Key::of(0, b"x"), Key::of(1, b"x"), Key::of(2, b"x"));
        let journal = Journal::open(&path, "http://a/fhir").unwrap();
        assert!(!journal.done(one));
        journal.note_done(one, "some\tfile").unwrap();
        drop(journal);
        let cut = format!("{two}");
        OpenOptions::new().append(true).open(&path).unwrap().write_all(cut.as_bytes()).unwrap();
        let journal = Journal::open(&path, "http://a/fhir").unwrap();
        assert!(journal.done(one) && !journal.done(two));
        journal.note_refused(three, "file").unwrap();
        journal.note_refused(three, "file").unwrap();
        drop(journal);
        let journal = Journal::open(&path, "http://a/fhir").unwrap();
        assert!(!journal.done(three) && !journal.done(two));
        assert_eq!(journal.idempotency(three), format!("{three}-2"));
        assert_eq!(journal.idempotency(two), two.to_string());
        let error = Journal::open(&path, "http://b/fhir").unwrap_err().to_string();
        assert!(error.ends_with("is not the journal of a load into http://b/fhir."), "{error}");
        journal.remove().unwrap();
        assert!(!path.exists());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
