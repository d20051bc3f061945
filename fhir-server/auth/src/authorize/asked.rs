//! What an app asks for at the authorization endpoint, judged.
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-authorization-code>

use std::fmt;
use std::sync::Arc;

use access::Scopes;
use form_urlencoded::Serializer;

use crate::client::Client;
use crate::limits::{ASKED_BYTES_MAX, FORM_PARAMETERS_MAX, NONCE_BYTES_MAX, STATE_BYTES_MAX};
use crate::page::{Stop, origin};
use crate::refusal::wording;
use crate::state::Parts;

/// A request that may be answered at its redirect.
pub(crate) struct Asked {
    pub(crate) client: Arc<Client>,
    pub(crate) redirect: String,
    pub(crate) state: String,
    /// Who answers, so that an app knows from whom (RFC 9207).
    issuer: String,
    /// What the app may have of what it asks.
    pub(crate) scopes: Scopes,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    /// Whether the person is to prove anew who he is.
    pub(crate) proof: Proof,
    /// What it was started with from here.
    pub(crate) launch: Option<String>,
    /// The request itself, as a query.
    pub(crate) query: String,
}

/// What an app asks of the log-in (OpenID Connect Core, section 3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// No page may be shown.
    pub(crate) silent: bool,
    /// Whatever was proved before does not count.
    pub(crate) anew: bool,
    /// What was proved longer ago, in seconds, does not count.
    pub(crate) max_age_s: Option<i64>,
}

/// Why there will be no code.
pub(crate) enum Wrong {
    /// It is not known where to: the person is told.
    Here(&'static str),
    /// The app is told.
    There(Box<Told>),
}

/// An error, and where it goes (RFC 6749, section 4.1.2.1; RFC 9207 has it say from whom).
pub(crate) struct Told {
    pub(crate) redirect: String,
    pub(crate) state: Option<String>,
    pub(crate) issuer: String,
    pub(crate) error: &'static str,
    pub(crate) why: String,
}

impl fmt::Debug for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(why) => write!(f, "Here({why})"),
            Self::There(told) => write!(f, "There({}: {})", told.error, told.why),
        }
    }
}

impl Asked {
    /// Reads a query. Who asks and where the answer goes is judged first: nobody is sent to an address that
    /// is not registered, whatever else is wrong.
    pub(crate) async fn read(auth: &Parts, query: &str) -> Result<Self, Stop> {
        if query.len() > ASKED_BYTES_MAX {
            return Err(Wrong::Here("The request is too long.").into());
        }
        let pairs = Pairs::read(query)?;
        let client = match pairs.get("client_id") {
            Some(id) => auth.clients.find(id).await?,
            None => None,
        };
        Ok(Self::judged(auth, client, &pairs)?)
    }

    fn judged(auth: &Parts, client: Option<Arc<Client>>, pairs: &Pairs) -> Result<Self, Wrong> {
        let Some(client) = client.filter(|client| !client.redirects.is_empty()) else {
            return Err(Wrong::Here("The app that sent you here is not registered."));
        };
        let redirect = pairs.get("redirect_uri").unwrap_or_default();
        if !client.redirects.iter().any(|known| known == redirect) {
            let why = "The app that sent you here wants you sent back to an address that is not registered.";
            return Err(Wrong::Here(why));
        }
        let redirect = redirect.to_owned();
        let state = pairs.get("state").filter(|state| state.len() <= STATE_BYTES_MAX);
        let issuer = auth.endpoints.issuer();
        let wrong = |error: &'static str, why: &str| {
            let (state, why) = (state.map(str::to_owned), why.to_owned());
            let (redirect, issuer) = (redirect.clone(), issuer.clone());
            Wrong::There(Box::new(Told { redirect, state, issuer, error, why }))
        };
        let invalid = |why: &str| Err(wrong("invalid_request", why));
        if pairs.doubled {
            return invalid("A parameter is there twice");
        }
        let Some(state) = state else {
            return invalid("state is missing, or longer than 1,024 bytes");
        };
        let scopes = Scopes::parse(pairs.get("scope").unwrap_or_default());
        if pairs.get("response_type") != Some("code") {
            return Err(wrong("unsupported_response_type", "response_type must be code"));
        }
        let aud = pairs.get("aud").map(|aud| aud.trim_end_matches('/'));
        // Who asks only who somebody is asks nothing of the FHIR server: any client of OpenID Connect does.
        let reads = scopes.as_ref().is_ok_and(|scopes| {
            let open = ["launch", "launch/patient"].iter().any(|word| scopes.has_word(word));
            open || !scopes.clinical().is_empty()
        });
        if aud.map_or(reads, |aud| aud != auth.endpoints.fhir()) {
            return invalid("aud must be the FHIR base URL of this server");
        }
        let challenge = pairs.get("code_challenge").unwrap_or_default();
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if challenge.len() != 43 || !challenge.bytes().all(legal) {
            return invalid("code_challenge must be the base64url of a SHA-256, 43 characters");
        }
        if pairs.get("code_challenge_method") != Some("S256") {
            return invalid("code_challenge_method must be S256");
        }
        if pairs.get("nonce").is_some_and(|nonce| nonce.len() > NONCE_BYTES_MAX) {
            return invalid("nonce is longer than 256 bytes");
        }
        let scopes = scopes.map_err(|error| wrong("invalid_scope", wording(&error)))?;
        let scopes = scopes.narrowed_to(&client.scopes);
        if scopes.is_empty() {
            return Err(wrong("invalid_scope", "The app is registered for none of these scopes"));
        }
        if pairs.get("launch").is_some() && !scopes.has_word("launch") {
            return invalid(
                "launch goes with the scope launch, for which the app must be registered",
            );
        }
        let proof = proof(pairs).map_err(|why| wrong("invalid_request", why))?;
        let launch = pairs.get("launch").map(str::to_owned);
        let nonce = pairs.get("nonce").map(str::to_owned);
        let (challenge, state) = (challenge.to_owned(), state.to_owned());
        // Written anew: it goes into an address.
        let query = Serializer::new(String::new()).extend_pairs(&pairs.pairs).finish();
        Ok(Self { client, redirect, state, issuer, scopes, challenge, nonce, proof, launch, query })
    }

    /// An error for the app.
    pub(crate) fn told(&self, error: &'static str, why: &str) -> Wrong {
        Wrong::There(Box::new(self.error(error, why)))
    }

    /// Where a person goes back to the app who gives it nothing.
    pub(crate) fn back(&self) -> String {
        self.error("access_denied", "The user gave no access").url()
    }

    fn error(&self, error: &'static str, why: &str) -> Told {
        let (redirect, state) = (self.redirect.clone(), Some(self.state.clone()));
        let (issuer, why) = (self.issuer.clone(), why.to_owned());
        Told { redirect, state, issuer, error, why }
    }

    /// The request as it goes on once the person has proved who he is: asked for that no more.
    pub(crate) fn proved(&self) -> String {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        let left = pairs.filter(|(name, value)| {
            let asks = name == "prompt" || name == "max_age" && value == "0";
            !(self.proof.anew && asks)
        });
        Serializer::new(String::new()).extend_pairs(left).finish()
    }

    /// Where the app gets its code.
    pub(crate) fn with_code(&self, code: &str) -> String {
        with(&self.redirect, &[("code", code), ("state", &self.state), ("iss", &self.issuer)])
    }

    /// The origin of the redirect, as a policy names it.
    pub(crate) fn origin(&self) -> &str {
        origin(&self.redirect)
    }
}

impl Told {
    /// Where the app is told.
    pub(crate) fn url(&self) -> String {
        let mut pairs = vec![("error", self.error), ("error_description", self.why.as_str())];
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.push(("iss", &self.issuer));
        with(&self.redirect, &pairs)
    }
}

fn proof(pairs: &Pairs) -> Result<Proof, &'static str> {
    let words: Vec<&str> = pairs.get("prompt").unwrap_or_default().split(' ').collect();
    let max_age = pairs.get("max_age").map(|text| text.parse::<u32>());
    let max_age_s = max_age.transpose().map_err(|_| "max_age is a number of seconds")?;
    let silent = words.contains(&"none");
    if silent && words.len() > 1 {
        return Err("prompt=none goes with no other word");
    }
    let anew = words.contains(&"login") || max_age_s == Some(0);
    Ok(Proof { silent, anew, max_age_s: max_age_s.map(i64::from) })
}

/// A URL with more in its query.
fn with(url: &str, pairs: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let gap = if url.contains('?') { '&' } else { '?' };
    format!("{url}{gap}{query}")
}

struct Pairs {
    pairs: Vec<(String, String)>,
    doubled: bool,
}

impl Pairs {
    fn read(query: &str) -> Result<Self, Wrong> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut doubled = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if pairs.len() == FORM_PARAMETERS_MAX {
                return Err(Wrong::Here("The request has too many parameters."));
            }
            let twice = pairs.iter().any(|(have, _)| *have == name);
            if twice && matches!(&*name, "client_id" | "redirect_uri") {
                return Err(Wrong::Here("The request names two apps, or two addresses."));
            }
            doubled |= twice;
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { pairs, doubled })
    }

    /// A parameter without a value counts as left out.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
