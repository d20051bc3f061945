//! Clients that prove themselves by a key: RS384 and ES384, in the registration or at a URL. G79, and what is refused.

use anyhow::{Context, Result};
use auth::ClientConfig;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use it::{Answer, Fixture, Then, Trap};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use telemetry::Clock;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key of a client.
struct Own {
    key: EncodingKey,
    jwk: Value,
    algorithm: Algorithm,
}

impl Own {
    fn elliptic(kid: &str) -> Result<Self> {
        let made = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?;
        let der = made.to_pkcs8v1()?;
        let (x, y) = made.public_key().as_ref()[1..].split_at(48);
        let (x, y) = (BASE64.encode(x), BASE64.encode(y));
        let jwk =
            json!({ "kty": "EC", "crv": "P-384", "x": x, "y": y, "kid": kid, "alg": "ES384" });
        let key = EncodingKey::from_ec_der(der.as_ref());
        Ok(Self { key, jwk, algorithm: Algorithm::ES384 })
    }

    fn rsa(kid: &str) -> Result<Self> {
        let made = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let der: Pkcs8V1Der<'_> = made.as_der()?;
        // PKCS #1 is what PKCS #8 of this size has after 26 bytes.
        let key = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
        let public = made.public_key();
        let n = BASE64.encode(public.modulus().big_endian_without_leading_zero());
        let e = BASE64.encode(public.exponent().big_endian_without_leading_zero());
        let jwk = json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "alg": "RS384" });
        Ok(Self { key, jwk, algorithm: Algorithm::RS384 })
    }

    fn header(&self) -> Header {
        let kid = self.jwk["kid"].as_str().map(str::to_owned);
        Header { kid, ..Header::new(self.algorithm) }
    }

    fn sign(&self, header: &Header, claims: &Value) -> Result<String> {
        Ok(encode(header, claims, &self.key)?)
    }
}

fn set(keys: &[&Own]) -> String {
    let keys: Vec<&Value> = keys.iter().map(|own| &own.jwk).collect();
    json!({ "keys": keys }).to_string()
}

fn client(id: &str, jwks: Option<String>, jwks_url: Option<String>) -> ClientConfig {
    let scope = "system/Patient.rs".to_owned();
    ClientConfig { id: id.into(), scope, jwks, jwks_url, ..ClientConfig::default() }
}

fn claims(origin: &str, id: &str) -> Value {
    let now_s = Clock::system().seconds();
    json!({
        "iss": id, "sub": id, "aud": format!("{origin}/auth/token"), "exp": now_s + 200,
        "jti": fastrand::u64(..).to_string(),
    })
}

async fn ask(origin: &str, assertion: &str, more: &[(&str, &str)]) -> Result<Answer> {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("scope", "system/Patient.rs"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    for (name, value) in more {
        form.retain(|(have, _)| have != name);
        form.push((name, value));
    }
    form.retain(|(_, value)| !value.is_empty());
    let http = reqwest::Client::builder().no_proxy().build()?;
    Answer::of(http.post(format!("{origin}/auth/token")).form(&form)).await
}

/// A claim changed; null takes it away.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    if let Some(members) = claims.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    claims
}

#[tokio::test]
async fn a_key_proves_a_client_once_for_each_assertion() -> Result<()> {
    let (elliptic, rsa, stranger) = (Own::elliptic("a")?, Own::rsa("b")?, Own::elliptic("a")?);
    let keys = set(&[&elliptic, &rsa]);
    let server = Fixture::start_with(|settings| {
        settings.clients.push(client("lab", Some(keys), None));
    })
    .await?;
    let origin = server.origin()?;
    for own in [&elliptic, &rsa] {
        let token = own.sign(&own.header(), &claims(origin, "lab"))?;
        let answer = ask(origin, &token, &[]).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.text_at("scope"), "system/Patient.rs");
        let client = server.client.bearing(answer.text_at("access_token"));
        assert_eq!(client.get("/Patient?name=x").await?.status, 200);
        let again = ask(origin, &token, &[]).await?;
        assert_eq!((again.status, again.text_at("error").as_str()), (400, "invalid_client"));
        assert!(again.text.contains("used before"), "{}", again.text);
    }
    let good = || claims(origin, "lab");
    let now_s = Clock::system().seconds();
    for (what, changed) in [
        ("iss", with(good(), "iss", json!("other"))),
        ("sub", with(good(), "sub", json!("other"))),
        ("no sub", with(good(), "sub", Value::Null)),
        ("aud", with(good(), "aud", json!(format!("{origin}/fhir")))),
        ("no aud", with(good(), "aud", Value::Null)),
        ("over", with(good(), "exp", json!(now_s - 11))),
        ("too long", with(good(), "exp", json!(now_s + 330))),
        ("never over", with(good(), "exp", json!(i64::MAX))),
        ("over since ever", with(good(), "exp", json!(i64::MIN))),
        ("no exp", with(good(), "exp", Value::Null)),
        ("not yet", with(good(), "nbf", json!(now_s + 60))),
        ("no jti", with(good(), "jti", Value::Null)),
        ("empty jti", with(good(), "jti", json!(""))),
    ] {
        let token = elliptic.sign(&elliptic.header(), &changed)?;
        let answer = ask(origin, &token, &[]).await?;
        assert_eq!(
            (answer.status, answer.text_at("error").as_str()),
            (400, "invalid_client"),
            "{what}"
        );
        // Many in a row would be slowed down.
        let good = elliptic.sign(&elliptic.header(), &good())?;
        assert_eq!(ask(origin, &good, &[]).await?.status, 200);
    }
    let header = |change: fn(&mut Header)| {
        let mut header = elliptic.header();
        change(&mut header);
        header
    };
    for (what, token) in [
        ("a stranger's key", stranger.sign(&stranger.header(), &good())?),
        ("another kid", elliptic.sign(&header(|it| it.kid = Some("z".into())), &good())?),
        (
            "the kid of a key of another kind",
            elliptic.sign(&header(|it| it.kid = Some("b".into())), &good())?,
        ),
        ("no kid", elliptic.sign(&header(|it| it.kid = None), &good())?),
        ("another typ", elliptic.sign(&header(|it| it.typ = Some("at+jwt".into())), &good())?),
        (
            "a jku",
            elliptic.sign(&header(|it| it.jku = Some("https://evil.example".into())), &good())?,
        ),
        ("no JWT", "x".into()),
        (
            "nothing signed",
            format!(
                "{}.",
                elliptic.sign(&elliptic.header(), &good())?.rsplit_once('.').context("parts")?.0
            ),
        ),
    ] {
        let answer = ask(origin, &token, &[]).await?;
        assert_eq!(
            (answer.status, answer.text_at("error").as_str()),
            (400, "invalid_client"),
            "{what}"
        );
        // Many in a row would be slowed down.
        let good = elliptic.sign(&elliptic.header(), &good())?;
        assert_eq!(ask(origin, &good, &[]).await?.status, 200);
    }
    // An audience of several, and a type in other letters, are as good.
    let several = with(good(), "aud", json!(["x", format!("{origin}/auth/token")]));
    let token = elliptic.sign(&header(|it| it.typ = Some("jwt".into())), &several)?;
    assert_eq!(ask(origin, &token, &[]).await?.status, 200);
    for (more, error) in [
        (("client_assertion_type", "x"), "invalid_request"),
        (("client_assertion_type", ""), "invalid_request"),
        (("client_assertion", ""), "invalid_request"),
        (("client_secret", "x"), "invalid_request"),
        (("client_id", "dev-backend"), "invalid_client"),
        (("grant_type", "x"), "unsupported_grant_type"),
        (("scope", "system/Observation.rs"), "invalid_scope"),
    ] {
        let token = elliptic.sign(&elliptic.header(), &good())?;
        let answer = ask(origin, &token, &[more]).await?;
        assert_eq!(answer.text_at("error"), error, "{more:?} {}", answer.text);
    }
    // A client with keys has no secret.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let form = [("grant_type", "client_credentials"), ("client_id", "lab")];
    let request = http.post(format!("{origin}/auth/token")).form(&form);
    assert_eq!(Answer::of(request).await?.status, 401);
    Ok(())
}

/// Twenty at once with one assertion: one is taken.
#[tokio::test]
async fn an_assertion_is_used_up_by_the_first() -> Result<()> {
    let own = Own::elliptic("a")?;
    let keys = set(&[&own]);
    let server =
        Fixture::start_with(|settings| settings.clients.push(client("lab", Some(keys), None)))
            .await?;
    let origin = server.origin()?;
    let token = own.sign(&own.header(), &claims(origin, "lab"))?;
    let answers = futures::future::join_all((0..20).map(|_| ask(origin, &token, &[]))).await;
    let mut given = 0;
    for answer in answers {
        given += usize::from(answer?.status == 200);
    }
    assert_eq!(given, 1);
    Ok(())
}

/// Keys by URL are fetched through the one door, remembered, and not fetched again for each name that is made up.
#[tokio::test]
async fn keys_are_fetched_where_the_registration_says() -> Result<()> {
    let own = Own::elliptic("a")?;
    let body = set(&[&own]);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let there = Trap::clear("127.0.0.1:0", &answer, Then::Close).await?;
    let shut = Trap::clear("127.0.0.1:0", &answer, Then::Close).await?;
    let url = |trap: &Trap| format!("http://127.0.0.1:{}/keys", trap.port());
    let server = Fixture::start_with(|settings| {
        settings.outbound.allow = vec![format!("http://127.0.0.1:{}", there.port())];
        settings.clients.push(client("lab", None, Some(url(&there))));
        settings.clients.push(client("inside", None, Some(url(&shut))));
    })
    .await?;
    let origin = server.origin()?;
    for _ in 0..3 {
        let token = own.sign(&own.header(), &claims(origin, "lab"))?;
        let answer = ask(origin, &token, &[]).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for n in 0..3 {
        let header = Header { kid: Some(format!("made-up-{n}")), ..own.header() };
        let token = own.sign(&header, &claims(origin, "lab"))?;
        assert_eq!(ask(origin, &token, &[]).await?.text_at("error"), "invalid_client");
    }
    let header = Header { jku: Some(url(&there)), ..own.header() };
    let token = own.sign(&header, &claims(origin, "lab"))?;
    assert_eq!(ask(origin, &token, &[]).await?.status, 200, "a jku that is the registered one");
    assert_eq!(there.connections().await?, 1);
    // What the door does not let through is not called.
    let token = own.sign(&own.header(), &claims(origin, "inside"))?;
    assert_eq!(ask(origin, &token, &[]).await?.status, 503);
    assert_eq!(shut.connections().await?, 0);
    Ok(())
}

/// Anybody may send an assertion of a client, and with it have its keys fetched: however many do at once, one fetch is
/// made, and none for a while after one that failed.
#[tokio::test]
async fn many_who_ask_at_once_have_the_keys_fetched_once() -> Result<()> {
    let own = Own::elliptic("a")?;
    let keys = set(&[&own]);
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{keys}",
        keys.len()
    );
    let broken = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
    for (answer, status) in [(whole.as_str(), 200), (broken, 503)] {
        let there = Trap::clear("127.0.0.1:0", answer, Then::Close).await?;
        let url = format!("http://127.0.0.1:{}/keys", there.port());
        let server = Fixture::start_with(|settings| {
            settings.outbound.allow = vec![format!("http://127.0.0.1:{}", there.port())];
            settings.clients.push(client("lab", None, Some(url)));
        })
        .await?;
        let origin = server.origin()?;
        let asking = (0..20).map(|_| async {
            let token = own.sign(&own.header(), &claims(origin, "lab"))?;
            anyhow::Ok(ask(origin, &token, &[]).await?.status)
        });
        for asked in futures::future::join_all(asking).await {
            assert_eq!(asked?, status);
        }
        assert_eq!(there.connections().await?, 1, "{status}");
    }
    Ok(())
}
