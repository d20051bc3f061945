//! What a load has done already, so that the same command resumes it, or finds nothing to do: one
//! text file for each server and inputs.
//!
//! While a load runs, a line is appended for each request that came to an end. When all is loaded,
//! the file is replaced by a line for each whole file. A load that notes nothing leaves no journal.

mod key;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

pub(crate) use key::Key;

const TITLE: &str = "carebridge load journal 1";

/// What earlier runs know of a request, or of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// Its outcome was not heard; the server knows it by its key.
    Unknown,
    Done,
    /// How often the server refused it for good: it stored nothing then.
    Refused(u32),
}

/// A journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    title: String,
    past: HashMap<Key, Past>,
    /// Set where everything was to be loaded again: part of all keys the server sees since.
    round: Option<Key>,
    /// Made with the first note.
    file: Mutex<Option<File>>,
}

impl Journal {
    /// Where the journal of a load lies unless told otherwise: by server and inputs.
    pub(crate) fn default_path(url: &str, inputs: &[PathBuf]) -> PathBuf {
        let whole = |input: &PathBuf| input.canonicalize().unwrap_or_else(|_| input.clone());
        let mut inputs: Vec<PathBuf> = inputs.iter().map(whole).collect();
        inputs.sort();
        let mut digest = Sha256::new();
        digest.update(url.as_bytes());
        for input in inputs {
            digest.update(b"\n");
            digest.update(input.as_os_str().as_encoded_bytes());
        }
        let hash = digest.finalize();
        let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Path::new(".carebridge").join(format!("load-{name}.journal"))
    }

    /// Reads a journal if it is there.
    pub(crate) fn open(path: &Path, url: &str) -> Result<Self> {
        let title = format!("{TITLE} {url}");
        let (past, file) = (HashMap::new(), Mutex::new(None));
        let mut journal = Self { path: path.to_owned(), title, past, round: None, file };
        let read = match File::open(path) {
            Ok(file) => journal.read(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(journal),
            Err(error) => Err(error),
        };
        match read.with_context(|| journal.trouble("read"))? {
            true => Ok(journal),
            false => bail!(
                "{} is not the journal of a load into {url}: name another with --journal.",
                path.display()
            ),
        }
    }

    /// Whether this is such a journal.
    fn read(&mut self, file: File) -> io::Result<bool> {
        let mut lines = BufReader::new(file).lines();
        match lines.next().transpose()? {
            None => return Ok(true),
            Some(first) if first == self.title => {}
            Some(_) => return Ok(false),
        }
        // A line that a crash cut short does not parse and counts as not done.
        lines.map_while(io::Result::ok).for_each(|line| self.remember(&line));
        Ok(true)
    }

    fn remember(&mut self, line: &str) {
        let mut parts = line.split('\t');
        let key = parts.next().and_then(Key::parse);
        // Without the third part the line was cut short.
        let (Some(key), Some(word), Some(_)) = (key, parts.next(), parts.next()) else { return };
        if word == "round" {
            self.round = Some(key);
            return;
        }
        let known = self.past.entry(key).or_insert(Past::Unknown);
        match (word, *known) {
            ("done" | "file", _) => *known = Past::Done,
            ("refused", Past::Refused(times)) => *known = Past::Refused(times + 1),
            ("refused", Past::Unknown) => *known = Past::Refused(1),
            _ => {}
        }
    }

    /// Forgets all that was done, so that it is done again under new keys.
    pub(crate) fn begin_again(&mut self) -> Result<()> {
        self.past.clear();
        self.round = Some(Key::of_now());
        self.replace(&[])
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
        let mut text = key.to_string();
        if let Some(Past::Refused(times)) = self.past.get(&key) {
            text.push_str(&format!("-{times}"));
        }
        if let Some(round) = self.round {
            text.push_str(&format!("-{round}"));
        }
        text
    }

    /// Notes a success.
    pub(crate) fn note_done(&self, key: Key, file: &str) -> Result<()> {
        self.append(&line(key, "done", file))
    }

    /// Notes that the server refused a request and stored nothing of it.
    pub(crate) fn note_refused(&self, key: Key, file: &str) -> Result<()> {
        self.append(&line(key, "refused", file))
    }

    /// Notes that the outcome of a request was not waited for.
    pub(crate) fn note_unknown(&self, key: Key, file: &str) -> Result<()> {
        self.append(&line(key, "unknown", file))
    }

    fn append(&self, line: &str) -> Result<()> {
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *held {
            Some(file) => file.write_all(line.as_bytes()),
            none => self.start().and_then(|file| none.insert(file).write_all(line.as_bytes())),
        };
        written.with_context(|| self.trouble("written"))
    }

    /// Opens the file to append to, with its title.
    fn start(&self) -> io::Result<File> {
        make_folder(&self.path)?;
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(&self.path)?;
        match file.metadata()?.len() {
            0 => file.write_all(self.head().as_bytes())?,
            _ => end_line(&mut file)?,
        }
        Ok(file)
    }

    fn head(&self) -> String {
        let round = self.round.map(|round| line(round, "round", "all again"));
        format!("{}\n{}", self.title, round.unwrap_or_default())
    }

    /// Where it lies, if there is one.
    pub(crate) fn kept(&self) -> Option<PathBuf> {
        self.path.exists().then(|| self.path.clone())
    }

    /// All is loaded: what is left to know is which files. Without any, as from a pipe, the journal
    /// goes.
    pub(crate) fn finish(&self, files: &[(Key, String)]) -> Result<()> {
        if !files.is_empty() {
            return self.replace(files);
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| self.trouble("removed"))
            }
            _ => Ok(()),
        }
    }

    fn replace(&self, files: &[(Key, String)]) -> Result<()> {
        let mut text = self.head();
        text.extend(files.iter().map(|(key, name)| line(*key, "file", name)));
        let part = self.path.with_extension("part");
        let replaced = make_folder(&self.path)
            .and_then(|()| fs::write(&part, text))
            .and_then(|()| fs::rename(&part, &self.path));
        replaced.with_context(|| self.trouble("written"))
    }

    fn trouble(&self, what: &str) -> String {
        format!("The journal {} cannot be {what}", self.path.display())
    }
}

fn line(key: Key, word: &str, file: &str) -> String {
    format!("{key}\t{word}\t{}\n", file.replace(['\t', '\n'], " "))
}

fn make_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Ends a line that a crash left open, so that the next note starts one of its own.
fn end_line(file: &mut File) -> io::Result<()> {
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

    const URL: &str = "http://a/fhir";

    #[test]
    fn remembers_across_runs_and_crashes() {
        let folder = std::env::temp_dir().join(format!("journal-{}", std::process::id()));
        let path = folder.join("a/load.journal");
        let open = || Journal::open(&path, URL).unwrap();
        let (one, two, three) = (Key::of(0, b"x"), Key::of(1, b"x"), Key::of(2, b"x"));
        let journal = open();
        assert!(!journal.done(one) && journal.kept().is_none(), "nothing noted, nothing left");
        journal.note_done(one, "some\tfile").unwrap();
        let cut = format!("{two}");
        OpenOptions::new().append(true).open(&path).unwrap().write_all(cut.as_bytes()).unwrap();
        let journal = open();
        assert!(journal.done(one) && !journal.done(two));
        journal.note_refused(three, "file").unwrap();
        journal.note_refused(three, "file").unwrap();
        journal.note_unknown(two, "file").unwrap();
        let journal = open();
        assert!(!journal.done(three) && !journal.done(two));
        assert_eq!(journal.idempotency(three), format!("{three}-2"));
        assert_eq!(journal.idempotency(two), two.to_string());
        let error = Journal::open(&path, "http://b/fhir").unwrap_err().to_string();
        assert!(error.contains("is not the journal of a load into http://b/fhir"), "{error}");
        journal.finish(&[(two, "file".to_owned())]).unwrap();
        let mut journal = open();
        assert!(journal.done(two) && !journal.done(one));
        journal.begin_again().unwrap();
        let again = journal.idempotency(one);
        assert!(!journal.done(two) && again.starts_with(&format!("{one}-")) && again.len() == 65);
        assert_eq!(open().idempotency(one), again, "a resumed round keeps its keys");
        journal.finish(&[]).unwrap();
        assert!(journal.kept().is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_server_and_its_inputs_have_one_journal() {
        let path = |url: &str, inputs: &[&str]| {
            Journal::default_path(url, &inputs.iter().map(PathBuf::from).collect::<Vec<_>>())
        };
        assert_eq!(path(URL, &["a", "b"]), path(URL, &["b", "a"]));
        assert_ne!(path(URL, &["a"]), path(URL, &["b"]));
        assert_ne!(path(URL, &["a"]), path("http://b/fhir", &["a"]));
    }
}
