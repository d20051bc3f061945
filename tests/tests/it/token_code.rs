//! The authorization code at the token endpoint: once, in time, with what it was bound to.

use anyhow::{Context, Result};
use it::{App, PASSWORD, Signed};
use sqlx::AssertSqlSafe;

async fn code(world: &Signed, app: &App) -> Result<String> {
    let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    page.param("code").with_context(|| format!("{page:?}"))
}

async fn run(world: &Signed, statement: &str) -> Result<()> {
    let mut owner = world.server.database.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
    Ok(())
}

/// G70, G71, G72 to G75: what a code is bound to.
#[tokio::test]
async fn a_code_is_good_for_who_asked_for_it() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    let code = code(&world, &app).await?;
    for (change, status, error) in [
        (("code", "made-up"), 400, "invalid_grant"),
        (("code", "!"), 400, "invalid_grant"),
        (("code", ""), 400, "invalid_request"),
        (("redirect_uri", "https://app.example.org/callback?tenant=1"), 400, "invalid_grant"),
        (("redirect_uri", ""), 400, "invalid_request"),
        (("code_verifier", ""), 400, "invalid_request"),
        (("code_verifier", "short"), 400, "invalid_grant"),
        (("code_verifier", "another-verifier-another-verifier-another-1"), 400, "invalid_grant"),
        (("client_id", "nobody"), 401, "invalid_client"),
        (("client_id", "server-app"), 401, "invalid_client"),
        (("client_id", ""), 401, "invalid_client"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
    ] {
        let (name, value) = change;
        let mut form = app.exchange(&code);
        form.retain(|(have, _)| *have != name);
        if !value.is_empty() {
            form.push((name, value.to_owned()));
        }
        let answer = app.ask(&form).await?;
        assert_eq!(
            (answer.status, answer.text_at("error").as_str()),
            (status, error),
            "{change:?}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // The challenge sent back as the verifier, as if the method were `plain`.
    let challenge = app.asks().into_iter().find(|(name, _)| *name == "code_challenge");
    let mut form = app.exchange(&code);
    form.retain(|(name, _)| *name != "code_verifier");
    form.push(("code_verifier", challenge.context("it is asked with one")?.1));
    assert_eq!(app.ask(&form).await?.text_at("error"), "invalid_grant");
    // Another app, which knows itself.
    let other = App { secret: Some(it::APP_SECRET.into()), id: "server-app".into(), ..app.clone() };
    assert_eq!(other.ask(&other.exchange(&code)).await?.text_at("error"), "invalid_grant");
    assert_eq!(app.ask(&app.exchange(&code)).await?.status, 200, "it is good all the same");
    Ok(())
}

#[tokio::test]
async fn an_app_with_a_secret_shows_it() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.server_app("patient/Patient.rs");
    let code = code(&world, &app).await?;
    let bare = App { secret: None, ..app.clone() };
    assert_eq!(bare.ask(&bare.exchange(&code)).await?.status, 401);
    let wrong = App { secret: Some("wrong".into()), ..app.clone() };
    assert_eq!(wrong.ask(&wrong.exchange(&code)).await?.status, 401);
    let mut form = bare.exchange(&code);
    form.push(("client_secret", it::APP_SECRET.to_owned()));
    assert_eq!(bare.ask(&form).await?.status, 200, "in the form");
    Ok(())
}

#[tokio::test]
async fn a_code_that_is_shown_again_ends_what_it_gave() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    let code = code(&world, &app).await?;
    let first = app.ask(&app.exchange(&code)).await?;
    assert_eq!(first.status, 200);
    for _ in 0..5 {
        let again = app.ask(&app.exchange(&code)).await?;
        assert_eq!((again.status, again.text_at("error").as_str()), (400, "invalid_grant"));
    }
    let mut owner = world.server.database.connect().await?;
    let (over, told): (bool, i64) = sqlx::query_as(
        "select a.revoked_at is not null,
            (select count(*) from auth_change c where c.kind = 0 and c.name = a.approval::text)
        from approval a",
    )
    .fetch_one(&mut owner)
    .await?;
    assert_eq!((over, told), (true, 1), "it is told once, however often it is shown");
    Ok(())
}

/// Twenty at once: one is given, and the others end it.
#[tokio::test]
async fn of_many_at_once_one_has_the_code() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    let code = code(&world, &app).await?;
    let form = app.exchange(&code);
    let answers = futures::future::join_all((0..20).map(|_| app.ask(&form))).await;
    let mut given = 0;
    for answer in answers {
        given += usize::from(answer?.status == 200);
    }
    assert_eq!(given, 1);
    Ok(())
}

#[tokio::test]
async fn a_code_is_over_with_its_minute_and_its_session() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    for end in [
        "update code set ends_at = now()",
        "delete from session",
        "update approval set revoked_at = now()",
        "update account set disabled_at = now() where login = 'anna'",
    ] {
        run(&world, "update account set disabled_at = null").await?;
        let code = code(&world, &app).await?;
        run(&world, end).await?;
        let answer = app.ask(&app.exchange(&code)).await?;
        assert_eq!(answer.text_at("error"), "invalid_grant", "{end}");
    }
    Ok(())
}

/// The database has neither the code nor the cookie.
#[tokio::test]
async fn nothing_that_is_sent_is_kept() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    let mut visitor = world.visitor()?;
    let page = app.agree(&mut visitor, "anna", PASSWORD, None).await?;
    let code = page.param("code").context("a code")?;
    let cookie = visitor.cookie.clone().context("a cookie")?;
    let token = app.token(&page).await?.text_at("access_token");
    let mut owner = world.server.database.connect().await?;
    for table in ["code", "session", "approval", "audit", "auth_change", "account"] {
        let statement = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let all: String =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut owner).await?;
        for secret in
            [code.as_str(), cookie.split('=').nth(1).context("a value")?, &token, PASSWORD]
        {
            assert!(!all.contains(secret), "{table} has {secret}");
        }
    }
    Ok(())
}

/// G13: apps in browsers ask from another origin.
#[tokio::test]
async fn apps_in_browsers_may_ask_for_tokens_and_see_no_pages() -> Result<()> {
    let world = Signed::start().await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    for (path, open) in [
        ("/auth/token", true),
        ("/auth/jwks", true),
        ("/fhir/.well-known/smart-configuration", true),
        ("/auth/login", false),
        ("/auth/consent", false),
        ("/auth/authorize", false),
    ] {
        let request = http
            .request(reqwest::Method::OPTIONS, format!("{}{path}", world.origin))
            .header("origin", "https://app.example.org")
            .header("access-control-request-method", "POST");
        let answer = it::Answer::of(request).await?;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed == "*", open, "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
    }
    Ok(())
}
