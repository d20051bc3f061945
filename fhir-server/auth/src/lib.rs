//! The SMART authorization server: who a client is, and a signed token that says what it may do.
//! <https://hl7.org/fhir/smart-app-launch/backend-services.html>
//!
//! It issues and verifies; what a token permits is decided in `access`. Offered now, to configured clients: the
//! client credentials grant, and the authorization code grant for whoever signs in.

mod accounts;
mod adopt;
mod assertion;
mod authorize;
mod away;
mod bearer;
mod bucket;
mod claims;
mod client;
mod client_form;
mod client_keys;
mod cookie;
mod discovery;
mod exchange;
mod form;
mod id_key;
mod introspect;
mod key;
mod keyring;
pub mod limits;
mod page;
mod password;
mod peer;
mod people;
mod provider;
mod record;
mod refresh_token;
mod refusal;
mod refusals;
mod register;
mod registry;
mod revocation;
mod route;
mod router;
mod seal;
mod secret;
mod sign_in;
mod signed;
mod state;
#[cfg(test)]
mod tests;
mod throttle;
mod throttles;
mod token;
mod tokens;
mod totp;
mod verifier;
mod words;

pub use accounts::{AccountForm, DEMO_LOGINS, demo_account, expect_roles, login};
pub use authorize::expect_offered;
pub use bearer::{bearer, challenge, refuse_token_in_query};
pub use bucket::{Buckets, Empty, Rate};
pub use client::{Client, ClientConfig, Clients};
pub use client_form::{ClientForm, FormProof, renew_secret};
pub use discovery::smart_configuration;
pub use key::SigningKey;
pub use keyring::{Keyring, Next};
pub use password::{DEMO_PASSWORD, Password, Passwords};
pub use people::People;
pub use provider::ProviderConfig;
pub use refusals::{Door, NOBODY, Refusals};
pub use register::{Register, Registration};
pub use revocation::{Known, Nothing, Revocations, Standing};
pub use route::{Listed, Route, Rule, listed, routed};
pub use router::{router, routes};
pub use secret::{Secret, SecretHash};
pub use sign_in::sign_in;
pub use signed::{Factors, Signed};
pub use state::{AuthState, Endpoints, Services};
pub use throttles::{Class, Rates, Throttles, household};
pub use verifier::{Unverified, Verifier};
