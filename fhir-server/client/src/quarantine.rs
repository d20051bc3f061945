//! What a server keeps aside for its faults: found, shown, released and cancelled, by FHIR's own means.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::http::Server;
use crate::limits::KEPT_LISTED_MAX;
use crate::outcome;

/// The code of its Tasks.
const CODE: &str = "https://carebridge.example/CodeSystem/task|quarantine";

/// A server with what it keeps aside.
#[derive(Debug)]
pub struct Quarantine(Arc<Server>);

/// What is kept aside, the newest first.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// How many there are.
    pub total: u64,
    /// The first of them.
    pub kept: Vec<Kept>,
}

/// One request that is kept aside.
#[derive(Debug, Serialize)]
pub struct Kept {
    /// The id of its Task.
    pub id: String,
    /// `requested`, `completed` where it was released, or `cancelled`.
    pub status: String,
    /// What was asked for, and by whom.
    pub title: String,
    /// When.
    pub at: String,
    /// What is wrong with it: where, and what to change.
    pub faults: Vec<String>,
    /// Why it waits, or was cancelled.
    pub reason: String,
}

/// One with what was asked for.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// It.
    #[serde(flatten)]
    pub kept: Kept,
    /// The transaction, as it was sent.
    pub asked: Box<RawValue>,
}

/// What became of one.
#[derive(Debug, Serialize)]
pub struct Ended {
    /// The id of its Task.
    pub id: String,
    /// `completed` or `cancelled`.
    pub status: &'static str,
    /// Where the resources are that it wrote.
    pub written: Vec<String>,
}

impl Quarantine {
    /// Of a server, which must answer.
    ///
    /// # Errors
    /// The URL is none; nobody answers there.
    pub async fn of(connection: &Connection) -> Result<Self> {
        let server = Server::new(connection)?;
        server.probe().await?;
        Ok(Self(server))
    }

    /// Lists what waits.
    ///
    /// # Errors
    /// The server's own, in a sentence; so of all that follow.
    pub async fn list(&self) -> Result<Listed> {
        let mut url = self.0.url("Task");
        url.query_pairs_mut()
            .append_pair("code", CODE)
            .append_pair("status", "requested")
            .append_pair("_sort", "-_lastUpdated")
            .append_pair("_total", "accurate")
            .append_pair("_count", &KEPT_LISTED_MAX.to_string());
        let page = self.ask(Method::GET, url, None).await?;
        let entries = items(&page, "/entry").iter();
        let tasks = entries.filter(|entry| text(entry, "/search/mode") != "outcome");
        let kept = tasks.filter_map(|entry| entry.get("resource")).map(kept).collect();
        let total = page.get("total").and_then(Value::as_u64).unwrap_or_default();
        Ok(Listed { total, kept })
    }

    /// Shows one with what was asked for.
    ///
    /// # Errors
    /// As above; it is no such Task.
    pub async fn show(&self, id: &str) -> Result<Shown> {
        let id = bare(id)?;
        let task = self.ask(Method::GET, self.0.url(&format!("Task/{id}")), None).await?;
        let focus = text(&task, "/focus/reference");
        ensure!(focus.starts_with("Binary/"), "Task/{id} keeps nothing aside.");
        let binary = self.ask(Method::GET, self.0.url(focus), None).await?;
        let asked = BASE64_STANDARD.decode(text(&binary, "/data")).ok();
        let asked = asked.and_then(|text| serde_json::from_slice::<Box<RawValue>>(&text).ok());
        let asked = asked.with_context(|| format!("{focus} holds no transaction."))?;
        Ok(Shown { kept: kept(&task), asked })
    }

    /// Has it done, with its faults.
    ///
    /// # Errors
    /// As above; then nothing of it is done.
    pub async fn release(&self, id: &str) -> Result<Ended> {
        let id = bare(id)?;
        let url = self.0.url(&format!("Task/{id}/$release"));
        let answer = self.ask(Method::POST, url, None).await?;
        let places = items(&answer, "/entry").iter().map(|entry| text(entry, "/response/location"));
        let mut written: Vec<String> = places.map(str::to_owned).collect();
        // The Task's own.
        written.pop();
        Ok(Ended { id: id.to_owned(), status: "completed", written })
    }

    /// Ends it without doing anything.
    ///
    /// # Errors
    /// As above; it was released or cancelled before.
    pub async fn cancel(&self, id: &str, reason: &str) -> Result<Ended> {
        let patch = json!([
            { "op": "test", "path": "/status", "value": "requested" },
            { "op": "replace", "path": "/status", "value": "cancelled" },
            { "op": "add", "path": "/statusReason", "value": { "text": reason } },
        ]);
        let id = bare(id)?;
        // Of another Task nothing is to be changed.
        let shown = self.show(id).await?;
        ensure!(shown.kept.status == "requested", "It was released or cancelled before.");
        let url = self.0.url(&format!("Task/{id}"));
        self.ask(Method::PATCH, url, Some(patch.to_string().into())).await?;
        Ok(Ended { id: id.to_owned(), status: "cancelled", written: Vec::new() })
    }

    async fn ask(&self, method: Method, url: reqwest::Url, patch: Option<Bytes>) -> Result<Value> {
        let request = self.0.http().request(method, url);
        let request = match patch {
            Some(patch) => {
                request.header("content-type", "application/json-patch+json").body(patch)
            }
            None => request,
        };
        let answer = self.0.send(request).await?;
        if !(200..300).contains(&answer.status) {
            bail!("{} ({})", outcome::read(&answer.body).text, answer.status);
        }
        serde_json::from_slice(&answer.body).context("The answer is no JSON.")
    }
}

/// The id of a Task that is named so, or as `Task/ID`.
fn bare(name: &str) -> Result<&str> {
    let id = name.strip_prefix("Task/").unwrap_or(name);
    let is_id =
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    ensure!(is_id, "{name:?} is no id of a Task.");
    Ok(id)
}

fn kept(task: &Value) -> Kept {
    let own = |pointer: &str| text(task, pointer).to_owned();
    let issues = items(task, "/contained").iter().flat_map(|one| items(one, "/issue"));
    let fault = |issue: &Value| match text(issue, "/expression/0") {
        "" => text(issue, "/diagnostics").to_owned(),
        at => format!("{at}: {}", text(issue, "/diagnostics")),
    };
    Kept {
        id: own("/id"),
        status: own("/status"),
        title: own("/description"),
        at: own("/authoredOn"),
        faults: issues.map(fault).collect(),
        reason: own("/statusReason/text"),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kept in &self.kept {
            writeln!(f, "{kept}")?;
        }
        write!(f, "{} kept aside", self.total)
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}", self.id, self.at, self.title)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n    {fault}"))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n    {}: {}", self.kept, self.kept.status, self.kept.reason)?;
        f.write_str(self.asked.get())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task/{} {}", self.id, self.status)?;
        self.written.iter().try_for_each(|place| write!(f, "\n    {place}"))
    }
}
