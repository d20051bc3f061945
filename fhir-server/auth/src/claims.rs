//! An access token: its claims, and how it is signed.

use access::Scopes;
use canonical_model::{Error, Result};
use jsonwebtoken::{Algorithm, Header, encode};
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::client::Client;
use crate::limits::BACKEND_TOKEN_S;
use crate::secret::random_text;
use crate::state::Parts;

/// `typ` of an access token (RFC 9068): no other token of this key can pass for one.
pub(crate) const TYPE: &str = "at+jwt";

/// The claims of an access token (RFC 9068), with SMART's launch context. Times are in seconds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) exp: i64,
    pub(crate) nbf: i64,
    pub(crate) iat: i64,
    pub(crate) jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patient: Option<String>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub(crate) fhir_user: Option<String>,
    /// Names of roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    /// Ids of Organization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) orgs: Vec<String>,
    /// Purpose of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pou: Option<String>,
    /// The authorization that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<i64>,
    /// The site that a client of the database speaks for, by its number: with it nobody has to look for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<i16>,
    #[serde(rename = "gen", default, skip_serializing_if = "GenerationsClaim::is_none")]
    pub(crate) generations: GenerationsClaim,
}

/// The generations that a token was issued under; left out where both are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenerationsClaim {
    #[serde(default)]
    pub(crate) account: i32,
    #[serde(default)]
    pub(crate) client: i32,
}

impl GenerationsClaim {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Claims {
    /// Those of a client that acts for itself.
    pub(crate) fn of_client(auth: &Parts, client: &Client, scopes: &Scopes) -> Result<Self> {
        Self::new(auth, client, client.id.clone(), scopes.to_string(), BACKEND_TOKEN_S)
    }

    /// Claims that every token has; `sub` says on whose behalf.
    pub(crate) fn new(
        auth: &Parts,
        client: &Client,
        sub: String,
        scope: String,
        life_s: i64,
    ) -> Result<Self> {
        let now_s = auth.clock.seconds();
        Ok(Self {
            iss: auth.endpoints.issuer(),
            sub,
            aud: auth.endpoints.fhir(),
            client_id: client.id.clone(),
            scope,
            exp: now_s + life_s,
            nbf: now_s,
            iat: now_s,
            jti: random_text()?,
            patient: None,
            fhir_user: None,
            roles: Vec::new(),
            orgs: Vec::new(),
            pou: None,
            grant: None,
            site: client.registered.then_some(client.site),
            generations: GenerationsClaim { account: 0, client: client.generation },
        })
    }

    /// The token.
    pub(crate) fn signed(&self, auth: &Parts) -> Result<String> {
        let key = &auth.keys.ring().access;
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(key.kid().to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let token = encode(&header, self, key.encoding()).map_err(Error::internal)?;
        debug!(client = self.client_id, token.id = self.jti, "Token issued.");
        Ok(token)
    }
}
