//! Reads JSON documents from a file one after the other: one a line, or the whole file as one. Told
//! by content, as is gzip: names lie.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use serde::de::IgnoredAny;

use super::discover::Source;
use crate::limits::DOCUMENT_BYTES_MAX;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A JSON text and the line it starts on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) line: u64,
}

/// The documents of a source.
pub(crate) struct Documents {
    reader: Box<dyn BufRead + Send>,
    consumed: Arc<AtomicU64>,
    line: u64,
    first: bool,
    /// One document a line; else the file is one document.
    by_line: bool,
    bytes_max: u64,
}

/// Counts what is read from the file itself, compressed or not.
struct Counted<R> {
    inner: R,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Documents {
    pub(crate) fn open(source: &Source) -> Result<Self> {
        match &source.path {
            None => Self::of(Box::new(io::stdin())),
            Some(path) => {
                let file = File::open(path);
                Self::of(Box::new(file.context("The file cannot be opened")?))
            }
        }
    }

    fn of(inner: Box<dyn Read + Send>) -> Result<Self> {
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner, consumed: Arc::clone(&consumed) };
        let mut plain = BufReader::with_capacity(256 * 1024, counted);
        let head = plain.fill_buf().context("The file cannot be read")?;
        let reader: Box<dyn BufRead + Send> = if head.starts_with(&GZIP_MAGIC) {
            Box::new(BufReader::with_capacity(256 * 1024, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        let bytes_max = DOCUMENT_BYTES_MAX;
        Ok(Self { reader, consumed, line: 0, first: true, by_line: false, bytes_max })
    }

    /// Whether there is one document a line; known once the first was read.
    pub(crate) fn by_line(&self) -> bool {
        self.by_line
    }

    /// Bytes of the file consumed so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// The next document; an error ends the file.
    pub(crate) fn next(&mut self) -> Result<Option<Document>> {
        loop {
            let mut bytes = Vec::new();
            if self.read(&mut bytes, true)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line = self.line;
            if std::mem::take(&mut self.first) {
                self.by_line = complete(&bytes);
                if !self.by_line {
                    self.read(&mut bytes, false)?;
                }
            }
            // An end of line would be counted as a line more.
            bytes.truncate(bytes.trim_ascii_end().len());
            let text = String::from_utf8(bytes)
                .with_context(|| format!("The text from line {line} on is not UTF-8"))?;
            let text = match text.strip_prefix('\u{feff}') {
                Some(rest) => rest.to_owned(),
                None => text,
            };
            return Ok(Some(Document { text, line }));
        }
    }

    /// Appends a line, or all that is left.
    fn read(&mut self, bytes: &mut Vec<u8>, line: bool) -> Result<usize> {
        let left = (self.bytes_max + 1).saturating_sub(bytes.len() as u64);
        let mut limited = (&mut self.reader).take(left);
        let read = if line { limited.read_until(b'\n', bytes) } else { limited.read_to_end(bytes) };
        let read = read.context("The file cannot be read to its end")?;
        if bytes.len() as u64 > self.bytes_max {
            bail!("A single document is longer than {} MiB.", self.bytes_max >> 20);
        }
        Ok(read)
    }
}

/// Whether a first line is a whole JSON document. A broken one is: then its error is its own.
fn complete(line: &[u8]) -> bool {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    serde_json::from_slice::<IgnoredAny>(line).map_or_else(|error| !error.is_eof(), |_| true)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut documents = Documents::of(Box::new(io::Cursor::new(bytes.to_vec()))).unwrap();
        let mut found = Vec::new();
        while let Some(document) = documents.next().unwrap() {
            found.push((document.line, document.text.trim().to_owned()));
        }
        assert_eq!(documents.consumed(), bytes.len() as u64);
        found
    }

    fn zipped(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_and_whole_files_are_told_apart() {
        let lines = [(1, "{\"a\":1}"), (3, "{\"b\":2}")].map(|(n, text)| (n, text.to_owned()));
        assert_eq!(all(b"{\"a\":1}\n\n{\"b\":2}\r\n"), lines);
        assert_eq!(all(b"\n{\n \"a\": 1\n}\n"), [(2, "{\n \"a\": 1\n}".to_owned())]);
        assert_eq!(all("\u{feff}{\"a\":1}".as_bytes()), [(1, "{\"a\":1}".to_owned())]);
        assert_eq!(all(b""), []);
        assert_eq!(all(b"  \n \n"), []);
        // Two gzip members one after the other, as tools append them.
        let members = [zipped("{\"a\":1}\n"), zipped("\n{\"b\":2}\n")].concat();
        assert_eq!(all(&members), lines);
    }

    #[test]
    fn endless_documents_are_refused() {
        let mut documents = Documents::of(Box::new(io::repeat(b'x'))).unwrap();
        documents.bytes_max = 1 << 20;
        let error = documents.next().unwrap_err().to_string();
        assert_eq!(error, "A single document is longer than 1 MiB.");
        let mut documents = Documents::of(Box::new(io::Cursor::new(b"\xff\n"))).unwrap();
        assert!(documents.next().unwrap_err().to_string().ends_with("is not UTF-8"));
    }
}
