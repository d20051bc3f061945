//! Tokens as tables: what is believed, what is refused, what is remembered.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{Caller, Generations, Roles};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use canonical_model::{IssueCode, Kind};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::{START_S, demo_token, server, server_with};
use crate::{AuthState, Revocations, SigningKey, Standing};

fn claims() -> Value {
    json!({
        "iss": "https://fhir.example.org/auth", "aud": "https://fhir.example.org/fhir",
        "sub": "dev-backend", "client_id": "dev-backend", "scope": "system/*.cruds", "jti": "j1",
        "exp": START_S + 300, "nbf": START_S, "iat": START_S,
    })
}

/// Claims with one changed; null takes it away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.into(), value)
    };
    claims
}

fn header(auth: &AuthState) -> Value {
    json!({ "alg": "ES256", "typ": "at+jwt", "kid": auth.parts().keys.ring().access.kid() })
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = message(header, claims);
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn ours(auth: &AuthState, claims: &Value) -> String {
    signed(&header(auth), claims, auth.parts().keys.ring().access.encoding(), Algorithm::ES256)
}

fn refusal(auth: &AuthState, token: &str) -> Option<IssueCode> {
    let error = auth.verifier().verify(token).err()?.error;
    assert_eq!(error.kind, Kind::Unauthorized);
    Some(error.issues[0].code)
}

#[tokio::test]
async fn an_issued_token_names_its_caller() {
    let (auth, _clock) = server();
    let caller = auth.verifier().verify(&demo_token(&auth).await).unwrap();
    assert_eq!(caller.client_id, "dev-backend");
    assert_eq!(caller.scopes.to_string(), "system/*.cruds");
    assert_eq!((caller.subject.as_ref(), caller.site), (None, 7));
    assert_eq!(caller.token_id.len(), 22);
    let other = auth.verifier().verify(&demo_token(&auth).await).unwrap();
    assert_ne!(caller.token_id, other.token_id);
}

#[test]
fn a_users_claims_are_understood() {
    let (auth, _clock) = server();
    let mut claims = with("sub", json!("u1"));
    claims["patient"] = json!("p1");
    claims["fhirUser"] = json!("https://fhir.example.org/fhir/Practitioner/d1");
    claims["scope"] = json!("openid patient/*.rs");
    let caller = auth.verifier().verify(&ours(&auth, &claims)).unwrap();
    assert_eq!(caller.subject.as_deref(), Some("u1"));
    assert_eq!(caller.patient.as_ref().unwrap().as_str(), "p1");
    assert_eq!(caller.fhir_user.as_ref().unwrap().id.as_str(), "d1");
    assert!(caller.orgs.is_empty() && caller.roles.iter().next().is_none());
    assert_eq!((caller.purpose.as_ref(), caller.grant), (None, None));
    assert_eq!(caller.generations, Generations::default());
    claims["jti"] = json!("j2");
    claims["roles"] = json!(["clinician", "auditor"]);
    claims["orgs"] = json!(["o1", "o2"]);
    claims["pou"] = json!("BTG");
    claims["grant"] = json!(12);
    claims["gen"] = json!({ "account": 3, "client": 1 });
    let caller = auth.verifier().verify(&ours(&auth, &claims)).unwrap();
    assert_eq!(caller.roles, Roles::parse(["auditor", "clinician"]).unwrap());
    assert_eq!(caller.orgs.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["o1", "o2"]);
    assert_eq!((caller.purpose.as_deref(), caller.grant), (Some("BTG"), Some(12)));
    assert_eq!(caller.generations, Generations { account: 3, client: 1 });
}

#[test]
fn claims_are_checked_one_by_one() {
    let (auth, _clock) = server();
    let refused = Some(IssueCode::Security);
    for (name, value, result) in [
        ("jti", json!("j2"), None),
        ("aud", json!("https://other.example.org/fhir"), refused),
        ("aud", json!(["https://fhir.example.org/fhir", "https://other.example.org"]), refused),
        ("aud", json!(null), refused),
        ("iss", json!("https://fhir.example.org"), refused),
        ("iss", json!(["https://fhir.example.org/auth"]), refused),
        ("iss", json!(null), refused),
        ("sub", json!(null), refused),
        ("sub", json!(7), refused),
        ("exp", json!(null), refused),
        ("exp", json!("never"), refused),
        ("exp", json!(1e300), refused),
        ("exp", json!(START_S as f64 + 0.5), refused),
        ("exp", json!(-1), refused),
        ("exp", json!(START_S - 9), None),
        ("exp", json!(START_S - 10), Some(IssueCode::Expired)),
        ("exp", json!(0), Some(IssueCode::Expired)),
        ("exp", json!(i64::MAX), None),
        ("nbf", json!(null), refused),
        ("nbf", json!(START_S + 10), None),
        ("nbf", json!(START_S + 11), refused),
        ("iat", json!(null), refused),
        ("iat", json!(START_S + 11), refused),
        ("client_id", json!("removed"), refused),
        ("client_id", json!(null), refused),
        ("scope", json!(null), refused),
        ("scope", json!("system/*.everything"), refused),
        ("jti", json!(null), refused),
        ("patient", json!("not an id"), refused),
        ("fhirUser", json!("Group/1"), refused),
        ("roles", json!(["root"]), refused),
        ("roles", json!("clinician"), refused),
        ("orgs", json!(["not an id"]), refused),
        ("orgs", json!(vec!["o"; 8]), None),
        ("orgs", json!(vec!["o"; 9]), refused),
        ("pou", json!("btg"), refused),
        ("pou", json!(""), refused),
        ("grant", json!("1"), refused),
        ("gen", json!(1), refused),
        ("gen", json!({ "acount": 1 }), refused),
    ] {
        let token = ours(&auth, &with(name, value.clone()));
        assert_eq!(refusal(&auth, &token), result, "{name}: {value}");
        assert_eq!(refusal(&auth, &token), result, "{name}: {value}, again");
    }
}

#[test]
fn headers_and_signatures_are_checked() {
    let (auth, _clock) = server();
    let (key, claims) = (&auth.parts().keys.ring().access, claims());
    let stranger = SigningKey::generate().unwrap();
    let point = [&[4][..], &coordinate(key, "x"), &coordinate(key, "y")].concat();
    let with_header = |name: &str, value: Value| {
        let mut header = header(&auth);
        header[name] = value;
        header
    };
    let es256 = |header: &Value| signed(header, &claims, key.encoding(), Algorithm::ES256);
    let hs256 = |secret: &[u8]| {
        let header = with_header("alg", json!("HS256"));
        signed(&header, &claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
    };
    let right = es256(&header(&auth));
    let mut parts = right.split('.');
    let (head, body, signature) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let widened = BASE64.encode(with("sub", json!("admin")).to_string());
    let unsigned = message(&with_header("alg", json!("none")), &claims);

    assert_eq!(refusal(&auth, &right), None);
    for (what, token) in [
        ("another claim", format!("{head}.{widened}.{signature}")),
        ("another signature", format!("{head}.{body}.{}", BASE64.encode([0x5a; 64]))),
        ("zero signature", format!("{head}.{body}.{}", BASE64.encode([0; 64]))),
        ("cut signature", format!("{head}.{body}.{}", BASE64.encode([0x5a; 63]))),
        ("padded signature", format!("{right}==")),
        ("no signature", format!("{head}.{body}.")),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{right}.{signature}")),
        ("alg none", format!("{unsigned}.")),
        ("alg none with a signature", format!("{unsigned}.{signature}")),
        ("HS256 with the public point", hs256(&point)),
        ("HS256 with the JWK", hs256(key.jwk().to_string().as_bytes())),
        ("HS256 with the kid", hs256(key.kid().as_bytes())),
        (
            "signed by a stranger",
            signed(&header(&auth), &claims, stranger.encoding(), Algorithm::ES256),
        ),
        ("another kid", es256(&with_header("kid", json!(stranger.kid())))),
        ("no kid", es256(&with_header("kid", json!(null)))),
        ("an id token's type", es256(&with_header("typ", json!("JWT")))),
        (
            "key in the header",
            es256(&json!({ "alg": "ES256", "typ": "at+jwt", "jwk": stranger.jwk() })),
        ),
        ("empty", String::new()),
        ("dots", "..".into()),
        ("not base64", "a!.b!.c!".into()),
        ("too long", "a".repeat(9_000)),
    ] {
        assert_eq!(refusal(&auth, &token), Some(IssueCode::Security), "{what}");
    }
}

fn coordinate(key: &SigningKey, name: &str) -> Vec<u8> {
    BASE64.decode(key.jwk()[name].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_remembered_token_expires_when_it_says() {
    let (auth, clock) = server();
    let (verifier, token) = (auth.verifier(), demo_token(&auth).await);
    let first = verifier.verify(&token).unwrap();
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token).unwrap()), "remembered");
    clock.advance(Duration::from_secs(309));
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token).unwrap()), "within the leeway");
    clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(refusal(&auth, &token), Some(IssueCode::Expired));
    }
}

/// Revokes by token id.
#[derive(Default)]
struct Revoked(Mutex<HashSet<String>>);

impl Revocations for Revoked {
    fn standing(&self, caller: &Caller) -> Standing {
        match self.0.lock().unwrap().contains(caller.token_id.as_str()) {
            true => Standing::Over,
            false => Standing::Good,
        }
    }
}

#[tokio::test]
async fn a_revocation_acts_on_remembered_tokens_at_once() {
    let revoked = Arc::new(Revoked::default());
    let (auth, _clock) = server_with(revoked.clone());
    let token = demo_token(&auth).await;
    let caller = auth.verifier().verify(&token).unwrap();
    revoked.0.lock().unwrap().insert(caller.token_id.to_string());
    assert_eq!(refusal(&auth, &token), Some(IssueCode::Security));
}
