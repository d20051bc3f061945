//! Cuts documents into units of work, each one request: a transaction as it is, single resources in
//! groups.

use anyhow::Result;
use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::discover::Source;
use super::documents::{Document, Documents};
use crate::limits::{GROUP_BYTES_MAX, GROUP_ENTRIES, LINKED_BYTES_MAX, LINKED_ENTRIES};
use crate::raw::{Bundle, Head, Wrong};
use crate::report::{LoadError, Tally};
use crate::text::sentence;

/// One request to be made.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) file: String,
    /// Its place among the units of its file.
    pub(crate) number: u64,
    pub(crate) body: Body,
    /// Bytes of the file that it used up, for the progress.
    pub(crate) consumed: u64,
    /// Dropped when the unit is done: the reader waits for that where what follows needs it.
    pub(crate) fence: Option<oneshot::Sender<()>>,
}

/// What a unit sends.
#[derive(Debug)]
pub(crate) enum Body {
    /// A batch or transaction, exactly as it was read.
    Bundle(Whole),
    /// Single resources.
    Group(Vec<Item>),
    /// Resources that refer to each other by names which mean something only together: all or none.
    Linked(Vec<Item>),
}

/// A batch or transaction.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) text: Bytes,
    pub(crate) entries: u64,
    /// Its line, where its file has more.
    pub(crate) line: Option<String>,
}

/// A single resource.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) text: String,
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    /// The `fullUrl` it had, as a JSON string.
    pub(crate) full_url: Option<String>,
    /// Where it was: `line 17`, `entry 3`, counted from 1; nothing where it is all of its file.
    pub(crate) at: String,
}

impl Unit {
    pub(crate) fn resources(&self) -> u64 {
        match &self.body {
            Body::Bundle(whole) => whole.entries,
            Body::Group(items) | Body::Linked(items) => items.len() as u64,
        }
    }
}

/// Reads sources in order and hands on their units until all are read or nobody takes them.
pub(crate) fn read(sources: &[Source], tally: &Tally, units: &mpsc::Sender<Unit>) {
    for source in sources {
        let mut cutter = Cutter {
            source,
            tally,
            units,
            file: source.name(),
            pending: Vec::new(),
            pending_bytes: 0,
            linked: false,
            number: 0,
            reported: 0,
        };
        if let Err(error) = cutter.read() {
            cutter.fail(None, sentence(&error));
        }
        if units.is_closed() {
            return;
        }
    }
}

struct Cutter<'c> {
    source: &'c Source,
    tally: &'c Tally,
    units: &'c mpsc::Sender<Unit>,
    file: String,
    pending: Vec<Item>,
    pending_bytes: usize,
    /// Whether what is pending belongs together.
    linked: bool,
    number: u64,
    /// Consumed bytes that units have claimed already.
    reported: u64,
}

impl Cutter<'_> {
    fn read(&mut self) -> Result<()> {
        let mut documents = Documents::open(self.source)?;
        let mut first = true;
        self.tally.lock().files += 1;
        while let Some(document) = documents.next()? {
            if std::mem::take(&mut first) && self.source.found && foreign(&document.text) {
                let mut report = self.tally.lock();
                report.files -= 1;
                report.files_passed_over.push(self.file.clone());
                return Ok(());
            }
            self.take(document, &documents);
            if self.units.is_closed() {
                return Ok(());
            }
        }
        self.flush(&documents);
        Ok(())
    }

    fn fail(&self, at: Option<String>, message: String) {
        let (file, status) = (self.file.clone(), None);
        self.tally.fail(LoadError { file, at, status, message, resources: 1 });
    }

    /// Says of a document what is wrong with it, and where in the file.
    fn refuse(&self, document: &Document, line: Option<String>, wrong: Wrong) {
        let at = match wrong.place {
            Some((row, column)) => {
                Some(format!("line {}, column {column}", document.line + row - 1))
            }
            None => line,
        };
        self.fail(at, wrong.message);
    }

    fn take(&mut self, document: Document, documents: &Documents) {
        let line = documents.by_line().then(|| format!("line {}", document.line));
        let head = match Head::of(&document.text) {
            Ok(head) => head,
            Err(wrong) => return self.refuse(&document, line, wrong),
        };
        let bundle_type = (head.kind.as_deref() == Some("Bundle")).then(|| head.bundle_type());
        match bundle_type.flatten() {
            Some("transaction" | "batch") => self.take_bundle(document, line, documents),
            Some("collection" | "searchset") => self.take_entries(&document, line, documents),
            Some(other @ ("history" | "transaction-response" | "batch-response")) => {
                self.fail(line, format!("A Bundle of type {other} cannot be loaded."));
            }
            _ => {
                let item = item(&head, &document.text, None, line.unwrap_or_default());
                self.push(item, documents);
            }
        }
    }

    /// A batch or transaction goes as it is. Where more follow on further lines, the first one is
    /// waited for: generated populations begin with what all others refer to.
    fn take_bundle(&mut self, document: Document, line: Option<String>, documents: &Documents) {
        let entries = match Bundle::of(&document.text) {
            Ok(bundle) => bundle.entry.len() as u64,
            Err(wrong) => return self.refuse(&document, line, wrong),
        };
        self.flush(documents);
        let (fence, done) = oneshot::channel();
        let waits = self.number == 0 && documents.by_line();
        let text = Bytes::from(document.text);
        let body = Body::Bundle(Whole { text, entries, line });
        self.send(body, waits.then_some(fence), documents);
        if waits {
            // The sender is dropped, never used: an error is the signal.
            drop(done.blocking_recv());
        }
    }

    fn take_entries(&mut self, document: &Document, line: Option<String>, documents: &Documents) {
        let bundle = match Bundle::of(&document.text) {
            Ok(bundle) => bundle,
            Err(wrong) => return self.refuse(document, line, wrong),
        };
        let mut names = bundle.entry.iter().filter_map(|entry| entry.full_url);
        let is_linked = names.any(|name| name.get().starts_with("\"urn:"));
        if is_linked {
            if bundle.entry.len() > LINKED_ENTRIES || document.text.len() > LINKED_BYTES_MAX {
                let text = format!(
                    "A Bundle whose entries refer to each other by urn: has {LINKED_ENTRIES} entries and {} MiB at \
                     most: give its resources ids, and refer to those.",
                    LINKED_BYTES_MAX / 1024 / 1024
                );
                return self.fail(line, text);
            }
            self.flush(documents);
            self.linked = true;
        }
        for (n, entry) in bundle.entry.iter().enumerate() {
            let mode = entry.search.as_ref().and_then(|search| search.mode.as_deref());
            let Some(resource) = entry.resource.filter(|_| mode != Some("outcome")) else {
                continue;
            };
            let at = place(line.as_deref(), n);
            match Head::of(resource.get()) {
                Ok(head) => {
                    let item = item(&head, resource.get(), entry.full_url, at);
                    self.push(item, documents);
                }
                Err(wrong) => self.fail(Some(at), wrong.message),
            }
        }
        if is_linked {
            self.flush(documents);
            self.linked = false;
        }
    }

    fn push(&mut self, item: Item, documents: &Documents) {
        if !self.linked && self.pending_bytes + item.text.len() > GROUP_BYTES_MAX {
            self.flush(documents);
        }
        self.pending_bytes += item.text.len();
        self.pending.push(item);
        if !self.linked && self.pending.len() >= GROUP_ENTRIES {
            self.flush(documents);
        }
    }

    fn flush(&mut self, documents: &Documents) {
        if !self.pending.is_empty() {
            let items = std::mem::take(&mut self.pending);
            self.pending_bytes = 0;
            let body = if self.linked { Body::Linked(items) } else { Body::Group(items) };
            self.send(body, None, documents);
        }
    }

    fn send(&mut self, body: Body, fence: Option<oneshot::Sender<()>>, documents: &Documents) {
        let consumed = documents.consumed() - self.reported;
        let (file, number) = (self.file.clone(), self.number);
        // Nobody takes units any more once the run was stopped: then reading stops, too.
        drop(self.units.blocking_send(Unit { file, number, body, consumed, fence }));
        self.reported += consumed;
        self.number += 1;
    }
}

/// The place of the entry with index `n`, counted from 1 as lines are.
pub(crate) fn place(line: Option<&str>, n: usize) -> String {
    match line {
        Some(line) => format!("{line}, entry {}", n + 1),
        None => format!("entry {}", n + 1),
    }
}

fn item(head: &Head<'_>, text: &str, full_url: Option<&RawValue>, at: String) -> Item {
    Item {
        text: text.trim().to_owned(),
        kind: head.kind.as_deref().unwrap_or_default().to_owned(),
        id: head.id.as_deref().map(str::to_owned),
        full_url: full_url.map(|raw| raw.get().to_owned()),
        at,
    }
}

/// Whether a document is JSON, but of something else than FHIR.
fn foreign(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Any {
        #[serde(rename = "resourceType")]
        kind: Option<serde::de::IgnoredAny>,
    }
    match serde_json::from_str::<Any>(text) {
        Ok(any) => any.kind.is_none(),
        Err(error) => error.is_data(),
    }
}
