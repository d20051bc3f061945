//! Carries out units of work: one request each, more where the server refuses it as a whole.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use crate::binary;
use crate::grouped::bundle_of;
use crate::http::{Answer, Server, refusal};
use crate::input::units::{Body, Item, Unit, Whole, place};
use crate::journal::{Journal, Key};
use crate::outcome;
use crate::progress::Progress;
use crate::raw::Bundle;
use crate::report::{LoadError, Tally};
use crate::stop::Stop;
use crate::text::sentence;

/// The status of what a server keeps aside for its faults.
const KEPT_ASIDE: u16 = 202;

const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json");

/// What a request asks.
struct What<'a> {
    method: Method,
    path: &'a str,
    media_type: HeaderValue,
    body: Bytes,
}

/// A load while it runs.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) server: Arc<Server>,
    pub(crate) journal: Journal,
    pub(crate) tally: Tally,
    pub(crate) progress: Progress,
    pub(crate) stop: Stop,
}

/// What became of one request.
struct Sent {
    key: Key,
    answer: Answer,
}

impl Sent {
    fn good(&self) -> bool {
        (200..300).contains(&self.answer.status) && self.answer.status != KEPT_ASIDE
    }
}

impl Run {
    /// Whether nothing more is to be sent.
    pub(crate) fn over(&self) -> bool {
        self.stop.is_asked() || self.tally.aborted()
    }

    /// Carries out a unit; all that can go wrong ends up in the tally.
    pub(crate) async fn perform(self: Arc<Self>, unit: Unit) {
        let done = match &unit.body {
            _ if self.over() => Ok(()),
            Body::Bundle(whole) => self.bundle(&unit, whole).await,
            Body::Group(items) => self.group(&unit, items).await,
            Body::Linked(items) => self.linked(&unit, items).await,
        };
        if let Err(error) = done {
            self.tally.abort(sentence(&error));
        }
        self.progress.add(unit.consumed, unit.resources());
        drop(unit.fence);
    }

    /// A batch or transaction as the file holds it.
    async fn bundle(&self, unit: &Unit, whole: &Whole) -> Result<()> {
        let Some(sent) = self.post_bundle(unit, whole.text.clone(), whole.entries).await? else {
            return Ok(());
        };
        let at = |n: usize| place(whole.line.as_deref(), n);
        if !sent.good() {
            let entry = outcome::read(&sent.answer.body).entry;
            let at = entry.map(at).or_else(|| whole.line.clone());
            return self.refuse(unit, whole.entries.max(1), at, &sent.answer);
        }
        let failed = self.note_entries(unit, &sent.answer.body, at);
        self.succeed(unit, &sent, whole.entries, failed.len() as u64)
    }

    /// Single resources: together in a transaction, which is fastest; where the server refuses it,
    /// as a batch, which stores the good ones and names the others.
    async fn group(&self, unit: &Unit, items: &[Item]) -> Result<()> {
        let first = self.journal.is_new();
        let missing = |item: &&Item| first || !self.journal.done(item_key(unit, item));
        let left: Vec<&Item> = items.iter().filter(missing).collect();
        self.tally.lock().resumed += (items.len() - left.len()) as u64;
        self.together(unit, &left).await
    }

    /// Resources that refer to each other: in a transaction, where their names are replaced; apart from each other they
    /// would mean nothing.
    async fn linked(&self, unit: &Unit, items: &[Item]) -> Result<()> {
        let (count, all) = (items.len() as u64, items.iter().collect::<Vec<_>>());
        let transaction = Bytes::from(bundle_of("transaction", &all));
        let Some(sent) = self.post_bundle(unit, transaction, count).await? else {
            return Ok(());
        };
        match sent.good() {
            true => self.succeed(unit, &sent, count, 0),
            false => {
                let entry = outcome::read(&sent.answer.body).entry;
                let at = entry.and_then(|n| items.get(n)).map(|item| item.at.clone());
                self.refuse(unit, count, at, &sent.answer)
            }
        }
    }

    async fn together(&self, unit: &Unit, items: &[&Item]) -> Result<()> {
        match items {
            [] => return Ok(()),
            [item] => return self.single(unit, item).await,
            _ => {}
        }
        let count = items.len() as u64;
        let transaction = Bytes::from(bundle_of("transaction", items));
        let Some(sent) = self.post_bundle(unit, transaction, count).await? else {
            return Ok(());
        };
        match sent.answer.status {
            // Kept aside for the faults of one of them: nothing of it is there.
            KEPT_ASIDE => {
                let entry = outcome::read(&sent.answer.body).entry;
                let at = entry.and_then(|n| items.get(n)).map(|item| item.at.clone());
                self.refuse(unit, count, at, &sent.answer)
            }
            200..300 => self.succeed(unit, &sent, count, 0),
            507 => self.refuse(unit, count, None, &sent.answer),
            413 => {
                let (left, right) = items.split_at(items.len() / 2);
                Box::pin(self.together(unit, left)).await?;
                Box::pin(self.together(unit, right)).await
            }
            _ => self.batch(unit, items).await,
        }
    }

    /// Stores what can be stored, and notes it resource by resource: a later run sends the others.
    async fn batch(&self, unit: &Unit, items: &[&Item]) -> Result<()> {
        let count = items.len() as u64;
        let batch = Bytes::from(bundle_of("batch", items));
        let Some(sent) = self.post_bundle(unit, batch, count).await? else {
            return Ok(());
        };
        if !sent.good() {
            return self.refuse(unit, count, None, &sent.answer);
        }
        let at = |n: usize| items.get(n).map_or_else(|| place(None, n), |item| item.at.clone());
        let failed = self.note_entries(unit, &sent.answer.body, at);
        for (n, item) in items.iter().enumerate() {
            if failed.binary_search(&n).is_err() {
                self.journal.note_done(item_key(unit, item), &unit.file)?;
            }
        }
        if failed.len() == items.len() {
            self.journal.note_refused(sent.key, &unit.file)?;
        }
        self.succeed(unit, &sent, count, failed.len() as u64)
    }

    async fn single(&self, unit: &Unit, item: &Item) -> Result<()> {
        let (method, path) = match &item.id {
            Some(id) => (Method::PUT, format!("{}/{id}", item.kind)),
            None => (Method::POST, item.kind.clone()),
        };
        let (media_type, body) = binary::raw(&item.kind, &item.text)
            .unwrap_or_else(|| (FHIR_JSON, Bytes::from(item.text.clone())));
        let what = What { method, path: &path, media_type, body };
        let Some(sent) = self.request(unit, what, 1).await? else {
            return Ok(());
        };
        if sent.good() {
            return self.succeed(unit, &sent, 1, 0);
        }
        let at = (!item.at.is_empty()).then(|| item.at.clone());
        self.refuse(unit, 1, at, &sent.answer)
    }

    async fn post_bundle(&self, unit: &Unit, body: Bytes, count: u64) -> Result<Option<Sent>> {
        let what = What { method: Method::POST, path: "", media_type: FHIR_JSON, body };
        self.request(unit, what, count).await
    }

    /// Sends a body unless an earlier run did. A repeated POST carries the same key, so that the
    /// server carries it out once however often it arrives.
    async fn request(&self, unit: &Unit, what: What<'_>, count: u64) -> Result<Option<Sent>> {
        let What { method, path, media_type, body } = what;
        let key = Key::of(unit.number, &body);
        if self.journal.done(key) {
            self.tally.lock().resumed += count;
            return Ok(None);
        }
        self.tally.lock().bytes_sent += body.len() as u64;
        let post = method == Method::POST;
        let mut request = self
            .server
            .http()
            .request(method, self.server.url(path))
            .header(CONTENT_TYPE, media_type)
            .header("Prefer", "return=minimal")
            .body(body);
        if post {
            request = request.header("Idempotency-Key", self.journal.idempotency(key));
        }
        let sent = tokio::select! {
            biased;
            answer = self.server.send(request) => Sent { key, answer: answer? },
            () = self.stop.at_once() => return self.leave(unit, key),
        };
        if post && !sent.good() {
            self.journal.note_refused(key, &unit.file)?;
        }
        Ok(Some(sent))
    }

    /// Goes away without the answer to a request.
    fn leave(&self, unit: &Unit, key: Key) -> Result<Option<Sent>> {
        self.tally.lock().unknown += 1;
        self.journal.note_unknown(key, &unit.file)?;
        Ok(None)
    }

    /// Counts what was stored, now or by an earlier request with the same key; notes the request as done if all of it was.
    fn succeed(&self, unit: &Unit, sent: &Sent, count: u64, failed: u64) -> Result<()> {
        let mut tally = self.tally.lock();
        let good = count - failed.min(count);
        if sent.answer.repeated {
            tally.resumed += good;
            tally.replayed += good;
        } else {
            tally.loaded += good;
        }
        drop(tally);
        match failed {
            0 => self.journal.note_done(sent.key, &unit.file),
            _ => Ok(()),
        }
    }

    /// Notes the entries of an answer that failed, and returns their numbers in order.
    fn note_entries(&self, unit: &Unit, body: &[u8], at: impl Fn(usize) -> String) -> Vec<usize> {
        let mut failed = Vec::new();
        let answer = serde_json::from_slice::<Bundle<'_>>(body);
        let entries = answer.map(|bundle| bundle.entry).unwrap_or_default();
        for (n, entry) in entries.iter().enumerate() {
            let Some(response) = &entry.response else { continue };
            let code = response.status.split(' ').next().and_then(|code| code.parse().ok());
            let Some(status) = code.filter(|status: &u16| *status >= 400 || *status == KEPT_ASIDE)
            else {
                continue;
            };
            failed.push(n);
            let said = response.outcome.map_or("", |outcome| outcome.get());
            let mut text = outcome::read(said.as_bytes()).text;
            if status == KEPT_ASIDE {
                text = format!("{} {text}", outcome::first(said.as_bytes()));
            }
            self.fail(unit, 1, Some(at(n)), status, text);
        }
        failed
    }

    /// Notes a refusal of the whole; one that would meet all others as well ends the run.
    fn refuse(&self, unit: &Unit, count: u64, at: Option<String>, answer: &Answer) -> Result<()> {
        let mut said = outcome::read(&answer.body).text;
        if answer.status == KEPT_ASIDE {
            // Where it is kept comes first, and is no fault.
            said = format!("{} {said}", outcome::first(&answer.body));
        }
        if answer.status == 507 {
            return Err(refusal(format!("The server's disk is full (507): {said}")));
        }
        self.fail(unit, count, at, answer.status, said);
        Ok(())
    }

    fn fail(&self, unit: &Unit, count: u64, at: Option<String>, status: u16, message: String) {
        let (file, status) = (unit.file.clone(), Some(status));
        self.tally.fail(LoadError { file, at, status, message, resources: count });
    }
}

/// Names a single resource by its text and place.
fn item_key(unit: &Unit, item: &Item) -> Key {
    Key::of(unit.number, format!("{}\n{}", item.at, item.text).as_bytes())
}
