//! A file's lines, each with an end: none is larger than memory bears.

use std::io::{BufRead, Read as _};

use canonical_model::{Error, Result};

use super::fault;
use crate::limits::LINE_BYTES_MAX;

pub(super) struct Lines<'r> {
    file: &'r str,
    input: Box<dyn BufRead + 'r>,
    line: u64,
    bytes: Vec<u8>,
}

impl<'r> Lines<'r> {
    pub(super) fn new(file: &'r str, input: Box<dyn BufRead + 'r>) -> Self {
        Self { file, input, line: 0, bytes: Vec::new() }
    }

    /// What is wrong with the last line.
    pub(super) fn fault(&self, what: &str) -> Error {
        fault(self.file, self.line, what)
    }

    /// The next line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<&str>> {
        self.bytes.clear();
        self.line += 1;
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let read = (&mut self.input).take(most).read_until(b'\n', &mut self.bytes);
        let read = read.map_err(|error| self.fault("it cannot be read").caused_by(error))?;
        if read == 0 {
            return Ok(None);
        }
        if read > LINE_BYTES_MAX {
            return Err(self.fault("the line is longer than a line may be"));
        }
        while matches!(self.bytes.last(), Some(b'\n' | b'\r')) {
            self.bytes.pop();
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) if self.line == 1 => Ok(Some(text.trim_start_matches('\u{feff}'))),
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(fault(self.file, self.line, "it is not UTF-8")),
        }
    }
}
