//! Who asked, and for what: what every record of an access says, whichever statement writes it.

use std::net::IpAddr;
use std::sync::Arc;

use access::Caller;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// Who asked. Cheap to clone: each write and each record holds one.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The `X-Request-Id`.
    pub request_id: Arc<str>,
    /// By whom, as the token says.
    pub caller: Arc<Caller>,
    /// From where.
    pub address: Option<IpAddr>,
    /// For what.
    pub interaction: AuditInteraction,
}

impl RequestContext {
    /// The server's own work, which nobody asked for.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            request_id: Arc::default(),
            caller: Arc::new(Caller::of_client("carebridge")),
            address: None,
            interaction: AuditInteraction::Operation,
        }
    }

    pub(crate) fn client(&self) -> &str {
        &self.caller.client_id
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.caller.subject.as_deref()
    }

    pub(crate) fn token_id(&self) -> &str {
        &self.caller.token_id
    }

    /// The user as a resource.
    pub(crate) fn person(&self) -> Option<&str> {
        self.caller.fhir_user.as_ref().map(access::FhirUser::reference)
    }

    pub(crate) fn purpose(&self) -> Option<&str> {
        self.caller.purpose.as_deref()
    }

    pub(crate) fn inet(&self) -> Option<Inet> {
        self.address.map(Inet)
    }
}

/// What FHIR calls it; numbered as in the database.
/// <http://hl7.org/fhir/restful-interaction>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
#[expect(missing_docs, reason = "the words are the specification's")]
pub enum AuditInteraction {
    Read = 0,
    Vread = 1,
    Update = 2,
    Patch = 3,
    Delete = 4,
    HistoryInstance = 5,
    HistoryType = 6,
    HistorySystem = 7,
    Create = 8,
    /// Also of a compartment.
    SearchType = 9,
    SearchSystem = 10,
    Batch = 11,
    /// Also each write in one: what it did is its action.
    Transaction = 12,
    /// Anything else.
    Operation = 13,
}

/// An address as PostgreSQL's `inet`, without a text between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inet(IpAddr);

/// `inet` and `inet[]` in the catalog of every PostgreSQL.
const INET: PgTypeInfo = PgTypeInfo::with_oid(Oid(869));
const INET_ARRAY: PgTypeInfo = PgTypeInfo::with_oid(Oid(1041));

impl Type<Postgres> for Inet {
    fn type_info() -> PgTypeInfo {
        INET
    }
}

impl PgHasArrayType for Inet {
    fn array_type_info() -> PgTypeInfo {
        INET_ARRAY
    }
}

impl Encode<'_, Postgres> for Inet {
    /// Family (2, or 3 for IPv6), bits of the prefix, not a network, bytes of the address, the address.
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0.to_canonical() {
            IpAddr::V4(address) => {
                buffer.extend_from_slice(&[2, 32, 0, 4]);
                buffer.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                buffer.extend_from_slice(&[3, 128, 0, 16]);
                buffer.extend_from_slice(&address.octets());
            }
        }
        Ok(IsNull::No)
    }
}
