//! Who signed in, told to the app: identity tokens that anybody can verify. G17 to G24.

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use it::{PASSWORD, Signed};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

async fn get(url: &str) -> Result<(Value, String)> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = it::Answer::of(http.get(url).header("origin", "https://app.example.org")).await?;
    assert_eq!(answer.status, 200, "{url}: {}", answer.text);
    let allowed = answer.header("access-control-allow-origin").to_owned();
    Ok((serde_json::from_str(&answer.text)?, allowed))
}

#[tokio::test]
async fn an_identity_token_is_verified_by_what_is_published() -> Result<()> {
    let world = Signed::start().await?;
    let app =
        world.server_app("openid fhirUser launch/patient patient/Patient.rs user/Practitioner.rs");
    let mut visitor = world.visitor()?;
    // With a nonce, as a client of OpenID Connect sends one.
    let page = visitor.open(&format!("{}&nonce=n-1", app.path())).await?;
    let form = page.form("/auth/login")?.with("login", "clara").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let page = visitor.submit(&page.form("/auth/patient")?.with("name", "anna")).await?;
    let page = visitor.submit(&page.form("/auth/consent")?).await?;
    assert!(page.text.contains("Know who you are"), "{}", page.text);
    let back = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let answer = app.token(&back).await?;
    let token = answer.text_at("id_token");
    // G18, G19, G24: found from the issuer.
    let body = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).context("three parts")?)?;
    let claims: Value = serde_json::from_slice(&body)?;
    let issuer = claims["iss"].as_str().context("iss")?;
    let (found, allowed) = get(&format!("{issuer}/.well-known/openid-configuration")).await?;
    assert_eq!(allowed, "*");
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert!(!found[member].is_null(), "{member}: {found}");
    }
    assert_eq!(found["issuer"], issuer);
    assert_eq!(found["id_token_signing_alg_values_supported"], json!(["RS256"]));
    // G20 to G22: header, key, signature, claims.
    let (keys, allowed) = get(found["jwks_uri"].as_str().context("a URL")?).await?;
    assert_eq!(allowed, "*");
    let keys: JwkSet = serde_json::from_value(keys)?;
    let header = decode_header(&token)?;
    assert_eq!(header.alg, Algorithm::RS256);
    let key = keys.find(&header.kid.context("a kid")?).context("it is published")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["server-app"]);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let claims = decode::<Value>(&token, &DecodingKey::from_jwk(key)?, &validation)?.claims;
    assert_eq!(claims["nonce"], "n-1");
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.len() <= 255));
    let (iat, exp) =
        (claims["iat"].as_i64().context("iat")?, claims["exp"].as_i64().context("exp")?);
    assert_eq!(exp - iat, 600);
    assert!(claims["auth_time"].as_i64().is_some_and(|at| (iat - 60..=iat + 1).contains(&at)));
    // G23: the person is there for the app.
    let user = claims["fhirUser"].as_str().context("fhirUser")?;
    let client = world.server.client.bearing(answer.text_at("access_token"));
    assert_eq!(client.get(user).await?.text_at("resourceType"), "Practitioner");
    // The access token is none of that kind, and the identity token opens nothing.
    let opened = world.server.client.bearing(token).get("/Patient/anna").await?;
    assert_eq!(opened.status, 401);
    Ok(())
}

#[tokio::test]
async fn who_leaves_it_out_is_not_named() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("openid fhirUser patient/Patient.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let form = page.form("/auth/consent")?;
    let less = form.clone().without("scope", "openid").with("decision", "allow");
    let answer = app.token(&visitor.submit(&less).await?).await?;
    assert_eq!(answer.text_at("scope"), "patient/Patient.rs");
    assert_eq!(answer.at("id_token"), None);
    // The name alone is something to give, also for who may see nothing clinical.
    for login in ["anna", "aude"] {
        let app = world.spa("openid fhirUser");
        let page = app.agree(&mut world.visitor()?, login, PASSWORD, None).await?;
        let answer = app.token(&page).await?;
        assert_eq!(answer.text_at("scope"), "openid fhirUser", "{login}");
        assert!(answer.at("id_token").is_some());
        let client = world.server.client.bearing(answer.text_at("access_token"));
        assert_eq!(client.get("/Patient/anna").await?.status, 403);
    }
    Ok(())
}

/// All servers of a database sign with one key, made once.
#[tokio::test]
async fn servers_that_ask_at_once_have_one_key() -> Result<()> {
    let signer = it::Signer::create()?;
    let key = signer.file.clone();
    let world =
        Signed::start_with(|settings| settings.auth.signing_key = Some(key.clone())).await?;
    let url = world.server.database.url.clone();
    let other = it::Fixture::on(it::Database { url }, |settings| {
        settings.auth.signing_key = Some(key);
    })
    .await?;
    let there = format!("http://{}", other.address()?);
    let asks = [&world.origin, &there, &world.origin, &there];
    let all = asks.map(|origin| async move { get(&format!("{origin}/auth/jwks")).await });
    let all = futures::future::try_join_all(all).await?;
    let ids: Vec<&Value> = all.iter().map(|(keys, _)| &keys["keys"][1]["kid"]).collect();
    assert!(ids.iter().all(|kid| kid.is_string() && *kid == ids[0]), "{ids:?}");
    let mut owner = world.server.database.connect().await?;
    let kept: Vec<String> =
        sqlx::query_scalar("select private from signing_key where alg = 'RS256'")
            .fetch_all(&mut owner)
            .await?;
    assert_eq!(kept.len(), 1);
    Ok(())
}

/// `prompt` and `max_age`: whether a person proves anew who he is.
#[tokio::test]
async fn an_app_says_how_fresh_a_log_in_has_to_be() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("openid patient/Patient.rs");
    let mut visitor = world.visitor()?;
    let with = |more: &str| format!("{}&{more}", app.path());
    let page = visitor.open(&with("prompt=none")).await?;
    assert_eq!(page.param("error").as_deref(), Some("login_required"));
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    assert!(visitor.submit(&form).await?.form("/auth/consent").is_ok());
    let page = visitor.open(&with("prompt=none")).await?;
    assert_eq!(page.param("error").as_deref(), Some("consent_required"));
    let mut owner = world.server.database.connect().await?;
    for (more, age_s, asked) in [
        ("prompt=consent", 3_600, false),
        ("max_age=7200", 3_600, false),
        ("max_age=3000", 3_600, true),
        ("prompt=login", 0, true),
        ("prompt=login%20consent", 0, true),
        ("max_age=0", 0, true),
    ] {
        let statement = "update session set proved_at = now() - interval '1 s' * $1";
        sqlx::query(statement).bind(age_s).execute(&mut owner).await?;
        let page = visitor.open(&with(more)).await?;
        assert_eq!(page.form("/auth/login").is_ok(), asked, "{more}: {}", page.text);
        if asked {
            // Once is enough, and a wrong password is not.
            let form = page.form("/auth/login")?.with("login", "anna");
            let wrong = visitor.submit(&form.clone().with("password", "wrong")).await?;
            assert!(wrong.form("/auth/login").is_ok(), "{more}");
            let page = visitor.submit(&form.with("password", PASSWORD)).await?;
            let back =
                visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
            assert!(back.param("code").is_some(), "{more}: {back:?}");
        }
    }
    for wrong in ["max_age=x", "max_age=-1", "prompt=none%20login"] {
        let page = visitor.open(&with(wrong)).await?;
        assert_eq!(page.param("error").as_deref(), Some("invalid_request"), "{wrong}");
    }
    Ok(())
}
