//! Read audits by group commit: while one group is flushed the next is inserted, and its flush covers all
//! reads that waited. No answer leaves before its audit record is durable.

use std::sync::Arc;
use std::time::Instant;

use canonical_model::{Error, Kind, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgBindIterExt};
use sqlx::query::Query;
use telemetry::Emit;
use telemetry::event::AuditFlushed;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::change::Ragged;
use crate::connect::{Role, options};
use crate::ground::Ground;
use crate::limits::{AUDIT_BATCH_MAX, AUDIT_QUEUE_MAX, AUDIT_WRITERS};
use crate::sessions::Sessions;
use crate::statement::{Part, Parts, Template, statement};
use crate::{RequestContext, Store};

/// What was done; numbered as in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum AuditAction {
    /// A create.
    Create = 0,
    /// A read of one resource or version.
    Read = 1,
    /// An update or patch.
    Update = 2,
    /// A delete.
    Delete = 3,
    /// A search or history.
    Search = 4,
    /// Anything else.
    Operation = 5,
    /// A log-in, or a try.
    LogIn = 6,
    /// A token given out, or refused.
    Token = 7,
    /// A revocation.
    Revocation = 8,
    /// An export.
    Export = 9,
    /// A disclosure to somebody outside.
    Disclosure = 10,
    /// Access in an emergency begun.
    BreakGlass = 11,
    /// The review of such an access.
    Review = 12,
    /// A change of accounts, clients or keys.
    Accounts = 13,
    /// A log-out.
    LogOut = 14,
    /// What a person said when an app asked for access.
    Consent = 15,
    /// What a token is good for, asked by a client.
    Introspection = 16,
}

impl AuditAction {
    /// All.
    pub const ALL: [Self; 17] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Delete,
        Self::Search,
        Self::Operation,
        Self::LogIn,
        Self::Token,
        Self::Revocation,
        Self::Export,
        Self::Disclosure,
        Self::BreakGlass,
        Self::Review,
        Self::Accounts,
        Self::LogOut,
        Self::Consent,
        Self::Introspection,
    ];
}

/// One access, granted or refused.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who asked.
    pub context: RequestContext,
    /// What.
    pub action: AuditAction,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The type, unless at system level.
    pub kind: Option<ResourceType>,
    /// The id, unless at type level.
    pub id: Option<String>,
    /// The version, where one was given out.
    pub version: Option<i32>,
    /// A search's query.
    pub detail: Option<String>,
    /// The identities of the patients whom it is about, as heads hold them.
    pub patients: Vec<i64>,
    /// The rules that withheld or refused, as `consent:Consent/7 label:ETH`.
    pub rules: Option<String>,
    /// To whom it was disclosed.
    pub recipient: Option<String>,
}

impl AuditEntry {
    /// An access with nothing to tell beside it.
    #[must_use]
    pub fn new(
        at: DateTime<Utc>,
        context: RequestContext,
        action: AuditAction,
        status: u16,
    ) -> Self {
        Self {
            at,
            context,
            action,
            status,
            kind: None,
            id: None,
            version: None,
            detail: None,
            patients: Vec::new(),
            rules: None,
            recipient: None,
        }
    }
}

type Waiting = (AuditEntry, oneshot::Sender<bool>);

/// Writes read audits. Cheap to clone; the writer ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Auditor {
    queue: mpsc::Sender<Waiting>,
    ground: Ground,
}

impl Auditor {
    /// Connects as the audit role, which can only insert, and starts the writer. On a full disk the
    /// store gives it the space held back.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached.
    pub async fn start(url: &str, store: &Store) -> Result<Self> {
        let sessions = Sessions::new("audit", options(url, Role::Audit)?, AUDIT_WRITERS);
        sessions.take().await?.keep();
        let (queue, waiting) = mpsc::channel(AUDIT_QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..AUDIT_WRITERS {
            let (sessions, waiting) = (sessions.clone(), Arc::clone(&waiting));
            tokio::spawn(write_groups(sessions, store.ground.clone(), waiting));
        }
        Ok(Self { queue, ground: store.ground.clone() })
    }

    /// Whether there is a record at all: a benchmark may leave it out.
    #[must_use]
    pub fn keeps_record(&self) -> bool {
        self.ground.keeps_record()
    }

    /// Records an access and returns when the record is durable.
    ///
    /// # Errors
    /// Unavailable where it could not be written: then the answer must not leave.
    pub async fn record(&self, entry: AuditEntry) -> Result<()> {
        if !self.ground.keeps_record() {
            return Ok(());
        }
        let (done, written) = oneshot::channel();
        self.queue.try_send((entry, done)).map_err(|_| refused())?;
        match written.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(refused()),
        }
    }
}

pub(crate) fn refused() -> Error {
    Error::new(
        Kind::Unavailable,
        "The access could not be recorded, so nothing is given out. Try again shortly.",
    )
}

async fn write_groups(
    sessions: Sessions,
    ground: Ground,
    waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>,
) {
    let mut group = Vec::with_capacity(AUDIT_BATCH_MAX);
    while waiting.lock().await.recv_many(&mut group, AUDIT_BATCH_MAX).await > 0 {
        let begun = Instant::now();
        let parts = Parts::default().with(Part::Record, ground.has_record());
        let mut outcome = ground.reserve.watch(insert(&sessions, parts, &group).await).await;
        if outcome.as_ref().is_err_and(|error| error.kind == Kind::StorageFull) {
            outcome = insert(&sessions, parts, &group).await; // The reserve has been given back since.
        }
        let written = match outcome {
            Ok(()) => {
                AuditFlushed { records: group.len(), elapsed: begun.elapsed() }.emit();
                true
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "Audit not written.");
                false
            }
        };
        for (_, done) in group.drain(..) {
            // The reader may have gone; its record stays.
            done.send(written).ok();
        }
    }
}

async fn insert(sessions: &Sessions, parts: Parts, group: &[Waiting]) -> Result<()> {
    let entries: Vec<&AuditEntry> = group.iter().map(|(entry, _)| entry).collect();
    sessions.execute(insertion(parts, &entries)).await.map(drop)
}

/// The statement that writes rows.
pub(crate) fn insertion<'a>(
    parts: Parts,
    entries: &'a [&'a AuditEntry],
) -> Query<'a, Postgres, PgArguments> {
    let entries = || entries.iter().copied();
    let contexts = || entries().map(|entry| &entry.context);
    let mut patients = Ragged::default();
    for entry in entries() {
        patients.items.extend_from_slice(&entry.patients);
        patients.end_row();
    }
    sqlx::query(statement(Template::Audit, parts))
        .bind(entries().map(|e| e.at).bind_iter())
        .bind(contexts().map(|c| &*c.request_id).bind_iter())
        .bind(entries().map(|e| e.action as i16).bind_iter())
        .bind(entries().map(|e| i16::try_from(e.status).unwrap_or(0)).bind_iter())
        .bind(entries().map(|e| e.kind.map(ResourceType::number)).bind_iter())
        .bind(entries().map(|e| e.version).bind_iter())
        .bind(entries().map(|e| e.id.as_deref()).bind_iter())
        .bind(contexts().map(RequestContext::client).bind_iter())
        .bind(contexts().map(RequestContext::subject).bind_iter())
        .bind(contexts().map(RequestContext::token_id).bind_iter())
        .bind(entries().map(|e| e.detail.as_deref()).bind_iter())
        .bind(contexts().map(|c| c.interaction as i16).bind_iter())
        .bind(contexts().map(RequestContext::person).bind_iter())
        .bind(contexts().map(RequestContext::inet).bind_iter())
        .bind(contexts().map(RequestContext::purpose).bind_iter())
        .bind(entries().map(|e| e.rules.as_deref()).bind_iter())
        .bind(entries().map(|e| e.recipient.as_deref()).bind_iter())
        .bind(patients.items)
        .bind(patients.offsets)
}
