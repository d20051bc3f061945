//! What every interaction knows of the request that asked for it.

use std::net::IpAddr;
use std::sync::Arc;

use access::Caller;
use canonical_model::{Error, Kind, ResourceType, Result};
use search::query::{Handling, Pair};
use search::{Query, QueryContext};
use store::{AuditInteraction, RequestContext};
use tokio::sync::OwnedSemaphorePermit;

use crate::Domain;
use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::reached::reached;
use crate::terminology::{Reader, reading};

/// One request, as far as interactions care.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The `X-Request-Id`.
    pub request_id: Arc<str>,
    /// From where.
    pub address: Option<IpAddr>,
    /// For what, as the record names it.
    pub interaction: AuditInteraction,
    /// What makes a repeated POST happen once.
    pub idempotency: Option<IdempotencyKey>,
    /// Whether it releases what was kept aside for its faults: it is stored with them.
    pub releases: bool,
    /// Room in the memory that large bodies share: given back when the last that works on the body ends,
    /// also where the client has gone.
    pub room: Option<Arc<OwnedSemaphorePermit>>,
}

impl Request {
    /// The same for the store.
    #[must_use]
    pub fn context(&self) -> RequestContext {
        RequestContext {
            request_id: Arc::clone(&self.request_id),
            caller: Arc::clone(&self.caller),
            address: self.address,
            interaction: self.interaction,
        }
    }
}

/// An `Idempotency-Key` with the digest of the request it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The client's key.
    pub key: String,
    /// SHA-256 of what was asked.
    pub request: Vec<u8>,
}

impl IdempotencyKey {
    /// Takes a key and digests the request.
    ///
    /// # Errors
    /// Invalid where the key is empty, too long, or not printable ASCII.
    pub fn new(key: &str, parts: &[&[u8]]) -> Result<Self> {
        use sha2::{Digest, Sha256};
        let printable = key.bytes().all(|b| (0x20..0x7f).contains(&b));
        if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX || !printable {
            return Err(Error::invalid("Idempotency-Key: 1 to 255 printable ASCII characters"));
        }
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(part);
        }
        Ok(Self { key: key.to_owned(), request: digest.finalize().to_vec() })
    }

    /// The key as it is this user's alone: another user of the same client may have the same one. A client that acts
    /// for itself has its own. No client can send it: it has a character that is not printable.
    #[must_use]
    pub fn of_user(self, user: Option<&str>) -> Self {
        match user {
            None => self,
            Some(user) => Self { key: format!("{}\u{1e}{user}", self.key), ..self },
        }
    }

    /// The key of what is kept aside in place of being done: under the request's own nothing was done. No client can send
    /// it.
    #[must_use]
    pub(crate) fn of_kept(&self) -> Self {
        Self { key: format!("{}\u{1d}kept", self.key), request: self.request.clone() }
    }

    /// The key of one entry of a batch, each of which is committed for itself. No client can send
    /// it: it has a character that is not printable.
    #[must_use]
    pub fn of_entry(&self, index: usize) -> Self {
        Self { key: format!("{}\u{1f}{index}", self.key), request: self.request.clone() }
    }
}

/// `If-Match`, `If-None-Match` and `If-Modified-Since` on a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// Only onto this version.
    pub if_match: Option<i32>,
    /// Only where something is there: `If-Match: *`.
    pub if_match_any: bool,
    /// Only where nothing is there: `If-None-Match: *`.
    pub if_none_match_any: bool,
}

impl Precondition {
    /// The same, onto the version that a search found, unless the client named one itself.
    pub(crate) fn held(self, version: i32) -> Self {
        if self.if_none_match_any {
            return self;
        }
        Self { if_match: self.if_match.or(Some(version)), ..self }
    }

    /// Whether a write failed only because it was [`Precondition::held`] to a version that is no
    /// longer current.
    pub(crate) fn is_overtaken(self, error: &Error) -> bool {
        error.kind == Kind::PreconditionFailed && self.if_match.is_none() && !self.if_none_match_any
    }

    /// Whether there must be something to write onto.
    pub(crate) fn needs_resource(self) -> bool {
        self.if_match.is_some() || self.if_match_any
    }
}

/// The criteria of a conditional interaction.
#[derive(Clone, Debug)]
pub struct Criteria {
    /// The search.
    pub query: Query,
    /// What they mean, for the claim: the same for the same criteria, however these are written.
    pub meaning: String,
}

impl Criteria {
    /// Takes a search; refuses one without a criterion, which would match everything.
    ///
    /// # Errors
    /// PreconditionFailed where no criterion was understood.
    pub fn new(query: Query) -> Result<Self> {
        if query.filter == search::Expr::And(Vec::new()) || !query.ignored.is_empty() {
            return Err(Error::precondition(
                "A conditional interaction needs search criteria that this server understands.",
            ));
        }
        let meaning = format!("{:?}", query.filter.normal());
        Ok(Self { query, meaning })
    }

    /// Reads `name=value&…`; what is not understood is refused, for a conditional interaction must
    /// never act on more than was meant.
    ///
    /// # Errors
    /// Invalid; PreconditionFailed as [`Criteria::new`]; what [`reading`] runs into.
    pub async fn parse(
        domain: &Domain,
        request: &Request,
        kind: ResourceType,
        query: &str,
    ) -> Result<Self> {
        Self::of(domain, request, kind, &search::query::parse_pairs(query)?).await
    }

    /// Takes parameters that are read already; those that only shape the answer are left out.
    ///
    /// # Errors
    /// As [`Criteria::parse`].
    pub async fn of(
        domain: &Domain,
        request: &Request,
        kind: ResourceType,
        pairs: &[Pair],
    ) -> Result<Self> {
        let shapes = ["_format", "_pretty", "_summary", "_elements", "_count", "_sort"];
        let criteria: Vec<Pair> =
            pairs.iter().filter(|(name, _)| !shapes.contains(&name.as_str())).cloned().collect();
        let read = |context: QueryContext<'_>| {
            // Without a criterion of its own it is refused, whatever its caller reaches.
            let Self { query, meaning } =
                Self::new(search::query::parse(context, kind, &criteria)?)?;
            Ok(Self { query: reached(domain, request, context, query)?, meaning })
        };
        reading(domain, Reader::Caller(request), Handling::Strict, read).await
    }

    /// The type searched.
    #[must_use]
    pub fn kind(&self) -> ResourceType {
        self.query.kind
    }
}
