//! From a token to its caller: signature and claims once, then from memory.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use access::{Caller, Consent, FhirUser, Generations, Roles, Scopes};
use aws_lc_rs::digest::{SHA256, digest};
use canonical_model::{Error, IssueCode, Kind, ResourceId, Result};
use compact_str::CompactString;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use moka::sync::Cache;
use telemetry::event::AuthenticationFailed;
use telemetry::{Clock, Emit};

use crate::bearer::refused;
use crate::claims::{Claims, TYPE};
use crate::client::Clients;
use crate::keyring::Keyring;
use crate::limits::{LEEWAY_S, ORGS_MAX, PURPOSE_BYTES_MAX, TOKEN_BYTES_MAX, TOKENS_CACHED_MAX};
use crate::revocation::{Revocations, Standing};
use crate::state::Endpoints;

/// Verifies tokens of this server. Clones share one memory.
#[derive(Clone)]
pub struct Verifier(Arc<Parts>);

struct Parts {
    keys: Keyring,
    clients: Clients,
    clock: Clock,
    revocations: Arc<dyn Revocations>,
    validation: Validation,
    verified: Cache<TokenDigest, Verified, BuildHasherDefault<FirstBytes>>,
}

/// A token whose signature and claims hold.
#[derive(Clone)]
struct Verified {
    caller: Arc<Caller>,
    /// From when it is refused, in seconds since 1970: `exp` and the leeway.
    ends_s: i64,
    /// Of the keys, when they were asked.
    epoch: u64,
}

/// Why a token is refused, and of whom it is where it was signed here: for the record.
#[derive(Debug)]
pub struct Unverified {
    /// As the sender is told.
    pub error: Error,
    /// Whom it speaks of, where it was signed here.
    pub caller: Option<Arc<Caller>>,
}

impl Unverified {
    fn of(caller: &Arc<Caller>, error: Error) -> Box<Self> {
        Box::new(Self { error, caller: Some(Arc::clone(caller)) })
    }
}

impl From<Error> for Box<Unverified> {
    fn from(error: Error) -> Self {
        Self::new(Unverified { error, caller: None })
    }
}

/// What a token that is good says of itself.
pub(crate) struct Known {
    pub(crate) caller: Arc<Caller>,
    /// In seconds since 1970.
    pub(crate) exp: i64,
    pub(crate) iss: String,
    pub(crate) fhir_user: Option<String>,
}

impl Verifier {
    pub(crate) fn new(
        endpoints: &Endpoints,
        keys: Keyring,
        clients: Clients,
        clock: Clock,
        revocations: Arc<dyn Revocations>,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[endpoints.issuer()]);
        validation.set_audience(&[endpoints.fhir()]);
        // The library would ask the machine for the time; `in_time` asks the injected clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let verified = Cache::builder()
            .max_capacity(TOKENS_CACHED_MAX)
            .build_with_hasher(BuildHasherDefault::default());
        Self(Arc::new(Parts { keys, clients, clock, revocations, validation, verified }))
    }

    /// The caller whom the token speaks of.
    ///
    /// # Errors
    /// 401 where the token was not signed here, is not for this server, has expired, or has been
    /// revoked; the answer does not say which part of a token is wrong.
    pub fn verify(&self, token: &str) -> Result<Arc<Caller>, Box<Unverified>> {
        self.check(token).inspect_err(|unverified| {
            let issue = unverified.error.issues.first();
            let code = issue.map_or(IssueCode::Security, |issue| issue.code);
            AuthenticationFailed { door: "bearer", reason: code.as_str() }.emit();
        })
    }

    fn check(&self, token: &str) -> Result<Arc<Caller>, Box<Unverified>> {
        let parts = &*self.0;
        let now_s = parts.clock.seconds();
        let name = TokenDigest::of(token);
        let epoch = parts.keys.epoch();
        let verified = match parts.verified.get(&name) {
            Some(verified) if verified.epoch == epoch => verified,
            Some(_) | None => {
                let verified = self.read(token, now_s, epoch)?;
                if now_s < verified.ends_s {
                    parts.verified.insert(name, verified.clone());
                }
                verified
            }
        };
        if now_s >= verified.ends_s {
            parts.verified.invalidate(&name);
            let how = "The token has expired; get a new one at the token endpoint";
            let expired = Error::new(Kind::Unauthorized, how).code(IssueCode::Expired);
            return Err(Unverified::of(&verified.caller, expired));
        }
        let error = match parts.revocations.standing(&verified.caller) {
            Standing::Good => return Ok(verified.caller),
            Standing::Over => refused("The token has been revoked"),
            Standing::Unknown => {
                let how =
                    "Whether the token is still good is not known just now. Try again shortly.";
                Error::new(Kind::Unavailable, how)
            }
        };
        Err(Unverified::of(&verified.caller, error))
    }

    /// What a token that is good says; `None` for any other text.
    ///
    /// # Errors
    /// 503 where it is not known whether it was revoked.
    pub(crate) fn known(&self, token: &str) -> Result<Option<Known>> {
        let caller = match self.check(token) {
            Ok(caller) => caller,
            Err(unverified) if unverified.error.kind == Kind::Unauthorized => return Ok(None),
            Err(unverified) => return Err(unverified.error),
        };
        let ring = self.0.keys.ring();
        let kid = decode_header(token).map_err(Error::internal)?.kid;
        let Some(key) = kid.and_then(|kid| ring.verifying(&kid)) else { return Ok(None) };
        let claims = decode::<Claims>(token, key, &self.0.validation);
        let Claims { exp, iss, fhir_user, .. } = claims.map_err(Error::internal)?.claims;
        Ok(Some(Known { caller, exp, iss, fhir_user }))
    }

    /// Checks a token that is not in memory: cheap things first, the signature, then the claims.
    fn read(&self, token: &str, now_s: i64, epoch: u64) -> Result<Verified> {
        let parts = &*self.0;
        let wrong = || refused("The token is not one of this server");
        if token.len() > TOKEN_BYTES_MAX {
            return Err(wrong());
        }
        let header = decode_header(token).map_err(|error| wrong().caused_by(error))?;
        let ring = parts.keys.ring();
        let key = header.kid.as_deref().and_then(|kid| ring.verifying(kid));
        let ours = header.typ.as_deref() == Some(TYPE) && header.alg == Algorithm::ES256;
        let key = key.filter(|_| ours).ok_or_else(wrong)?;
        let claims = decode::<Claims>(token, key, &parts.validation)
            .map_err(|error| wrong().caused_by(error))?
            .claims;
        if claims.nbf.max(claims.iat) > now_s + LEEWAY_S {
            return Err(refused("The token is not valid yet; compare the clocks"));
        }
        let ends_s = claims.exp.saturating_add(LEEWAY_S);
        let caller = caller(claims, &parts.clients).map_err(|error| wrong().caused_by(error))?;
        Ok(Verified { caller: Arc::new(caller), ends_s, epoch })
    }
}

/// The claims as the caller they speak of; a claim that cannot be understood refuses the token.
fn caller(claims: Claims, clients: &Clients) -> Result<Caller> {
    // Whether one of the database goes on is known by its generation.
    let site = match (claims.site, clients.find(&claims.client_id)) {
        (Some(site), _) => site,
        (None, Some(client)) => client.site,
        (None, None) => {
            return Err(Error::invalid("the token's client is no longer registered"));
        }
    };
    let for_itself = claims.sub == claims.client_id;
    Ok(Caller {
        client_id: claims.client_id.into(),
        subject: (!for_itself).then(|| claims.sub.into()),
        scopes: Scopes::parse(&claims.scope)?,
        patient: claims.patient.as_deref().map(ResourceId::parse).transpose()?,
        fhir_user: claims.fhir_user.as_deref().map(FhirUser::parse).transpose()?,
        token_id: claims.jti.into(),
        site,
        roles: Roles::parse(claims.roles.iter().map(String::as_str))?,
        orgs: orgs(&claims.orgs)?,
        purpose: claims.pou.map(purpose).transpose()?,
        grant: claims.grant,
        generations: Generations {
            account: claims.generations.account,
            client: claims.generations.client,
        },
        // Whoever answers asks for both.
        related: None,
        consent: Consent::Unasked,
    })
}

fn orgs(ids: &[String]) -> Result<Box<[ResourceId]>> {
    if ids.len() > ORGS_MAX {
        return Err(Error::invalid("orgs: too many organisations"));
    }
    ids.iter().map(|id| ResourceId::parse(id)).collect()
}

/// A code of `http://terminology.hl7.org/CodeSystem/v3-ActReason`.
fn purpose(code: String) -> Result<CompactString> {
    let legal = (1..=PURPOSE_BYTES_MAX).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_uppercase());
    if legal { Ok(code.into()) } else { Err(Error::invalid("pou: not a purpose of use")) }
}

/// A token is remembered by its SHA-256: memory holds nothing that could be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
struct TokenDigest([u8; 32]);

impl TokenDigest {
    fn of(token: &str) -> Self {
        // SHA-256 always gives 32 bytes.
        Self(digest(&SHA256, token.as_bytes()).as_ref().try_into().unwrap_or_default())
    }
}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

/// A digest needs no second hashing.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, first: u64) {
        self.0 = first;
    }
}
