//! The protocol: JSON messages, each ended by a NUL, on two pipes; answers are told by the number of their question.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long an answer may take: on a machine that is busy with other tests, too.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A question that waits: the session that it is of, and who asked.
type Waiting = HashMap<u64, oneshot::Sender<Value>>;

/// One end of the protocol.
pub(super) struct Wire {
    output: Mutex<Box<dyn Write + Send>>,
    next: AtomicU64,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    events: Mutex<Vec<Value>>,
}

impl Wire {
    /// Reads `input` until it ends.
    pub(super) fn new(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Self {
        let shared = Arc::<Shared>::default();
        let reading = Arc::clone(&shared);
        std::thread::spawn(move || {
            for message in BufReader::new(input).split(0).map_while(std::io::Result::ok) {
                let Ok(message) = serde_json::from_slice::<Value>(&message) else { continue };
                reading.take(message);
            }
            // Whoever still waits is told.
            lock(&reading.waiting).clear();
        });
        Self { output: Mutex::new(Box::new(output)), next: AtomicU64::new(1), shared }
    }

    /// Asks for something of the browser, or of what a session is of.
    pub(super) async fn call(&self, session: &str, method: &str, params: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let (false, Some(members)) = (session.is_empty(), message.as_object_mut()) {
            members.insert("sessionId".to_owned(), session.into());
        }
        let (sender, answer) = oneshot::channel();
        lock(&self.shared.waiting).insert(id, sender);
        let mut text = serde_json::to_vec(&message)?;
        text.push(0);
        {
            let mut output = lock(&self.output);
            output
                .write_all(&text)
                .and_then(|()| output.flush())
                .context("the browser has ended")?;
        }
        let answer = timeout(ANSWER_MAX, answer).await;
        let mut answer = answer
            .with_context(|| format!("{method}: no answer in {ANSWER_MAX:?}"))?
            .with_context(|| format!("{method}: the browser has ended"))?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())
    }

    /// What a session has told by itself so far, by method.
    pub(super) fn told(&self, session: &str, method: &str) -> Vec<Value> {
        let is = |event: &&Value, name: &str, value: &str| {
            event.get(name).and_then(Value::as_str) == Some(value)
        };
        let events = lock(&self.shared.events);
        let own = events.iter().filter(|event| is(event, "sessionId", session));
        let own = own.filter(|event| is(event, "method", method));
        own.filter_map(|event| event.get("params").cloned()).collect()
    }
}

impl Shared {
    fn take(&self, message: Value) {
        let Some(id) = message.get("id").and_then(Value::as_u64) else {
            lock(&self.events).push(message);
            return;
        };
        if let Some(waiting) = lock(&self.waiting).remove(&id) {
            // Whoever asked has gone away.
            waiting.send(message).unwrap_or_default();
        }
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

fn lock<T: ?Sized>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
