//! Refresh tokens: rotation, twice at once, stolen, narrowed, at their end. G25 to G30, G68, G77, G78, G83.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::join_all;
use it::{Answer, App, PASSWORD, Signed};
use sqlx::AssertSqlSafe;

async fn run(world: &Signed, statement: &str) -> Result<()> {
    let mut owner = world.server.database.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
    Ok(())
}

/// The first answer of the token endpoint, to a patient's app.
async fn first(world: &Signed, app: &App) -> Result<Answer> {
    let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    app.token(&page).await
}

async fn again(app: &App, token: &str, scope: Option<&str>) -> Result<Answer> {
    let mut form =
        vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    form.extend(scope.map(|scope| ("scope", scope.to_owned())));
    if app.secret.is_none() {
        form.push(("client_id", app.id.clone()));
    }
    app.ask(&form).await
}

const OFFLINE: &str = "offline_access patient/Patient.rs patient/Observation.rs";

#[tokio::test]
async fn a_token_is_renewed_without_and_with_a_scope() -> Result<()> {
    let world = Signed::start().await?;
    for app in [world.spa(OFFLINE), world.server_app(OFFLINE)] {
        let answer = first(&world, &app).await?;
        let mut refresh = answer.text_at("refresh_token");
        assert!(!refresh.is_empty(), "{}", answer.text);
        for (scope, granted) in [
            (None, OFFLINE),
            (Some("patient/Patient.rs"), "patient/Patient.rs"),
            (Some("patient/Patient.read"), "patient/Patient.read"),
            (Some("patient/*.cruds"), "patient/Patient.rs patient/Observation.rs"),
            (None, OFFLINE),
        ] {
            let answer = again(&app, &refresh, scope).await?;
            assert_eq!(answer.status, 200, "{scope:?} {}", answer.text);
            assert_eq!(answer.text_at("scope"), granted);
            assert_eq!(answer.text_at("patient"), "anna", "G29");
            assert!(answer.text.contains("\"expires_in\":3"), "{}", answer.text);
            assert_eq!(
                (answer.header("cache-control"), answer.header("pragma")),
                ("no-store", "no-cache")
            );
            assert_ne!(answer.text_at("refresh_token"), refresh, "it rotates");
            refresh = answer.text_at("refresh_token");
            let client = world.server.client.bearing(answer.text_at("access_token"));
            assert_eq!(client.get("/Patient/anna").await?.status, 200);
        }
        let wider = again(&app, &refresh, Some("patient/Condition.rs")).await?;
        assert_eq!(wider.text_at("error"), "invalid_scope");
        // A wrong scope has not used the token up, however long ago that was.
        run(&world, "update approval set rotated_at = rotated_at - interval '1 h'").await?;
        let answer = again(&app, &refresh, None).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // G30, and a token of another client.
    let (spa, server) = (world.spa(OFFLINE), world.server_app(OFFLINE));
    let token = first(&world, &spa).await?.text_at("refresh_token");
    for (app, token) in [(&spa, "made-up"), (&spa, "1.0.AAAA.BBBB"), (&server, token.as_str())] {
        let answer = again(app, token, None).await?;
        assert_eq!((answer.status, answer.text_at("error").as_str()), (400, "invalid_grant"));
    }
    assert_eq!(again(&spa, "", None).await?.text_at("error"), "invalid_request");
    assert_eq!(again(&spa, &token, None).await?.status, 200, "a stranger's try harms nobody");
    Ok(())
}

/// Twenty at once have one successor; in ten seconds more it is the same; later the family is over.
#[tokio::test]
async fn whoever_asks_twice_has_one_token_and_a_stolen_one_ends_all() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa(OFFLINE);
    let zero = first(&world, &app).await?.text_at("refresh_token");
    let answers = join_all((0..20).map(|_| again(&app, &zero, None))).await;
    let mut successors = Vec::new();
    let mut ids = Vec::new();
    for answer in answers {
        let answer = answer?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        successors.push(answer.text_at("refresh_token"));
        // The claims; the signature is another each time.
        let token = answer.text_at("access_token");
        ids.push(token.rsplit_once('.').context("three parts")?.0.to_owned());
    }
    successors.dedup();
    ids.dedup();
    assert_eq!((successors.len(), ids.len()), (1, 1));
    let one = successors.remove(0);
    run(&world, "update approval set rotated_at = rotated_at - interval '9 s'").await?;
    assert_eq!(again(&app, &zero, None).await?.text_at("refresh_token"), one);
    let two = again(&app, &one, None).await?.text_at("refresh_token");
    let client = again(&app, &two, None).await?;
    let three = client.text_at("refresh_token");
    let client = world.server.client.bearing(client.text_at("access_token"));
    assert_eq!(client.get("/Patient/anna").await?.status, 200);
    run(&world, "update approval set rotated_at = rotated_at - interval '10 s'").await?;
    assert_eq!(again(&app, &two, None).await?.text_at("error"), "invalid_grant", "11 s later");
    assert_eq!(again(&app, &three, None).await?.text_at("error"), "invalid_grant", "G68");
    let over = async || client.get("/Patient/anna").await.is_ok_and(|it| it.status == 401);
    it::ledger::until("the access token is over", Duration::from_secs(5), over).await?;
    // An older one than the last but one is stolen however soon it comes.
    let app = world.spa(OFFLINE);
    let zero = first(&world, &app).await?.text_at("refresh_token");
    let one = again(&app, &zero, None).await?.text_at("refresh_token");
    let two = again(&app, &one, None).await?.text_at("refresh_token");
    assert_eq!(again(&app, &zero, None).await?.text_at("error"), "invalid_grant");
    assert_eq!(again(&app, &two, None).await?.text_at("error"), "invalid_grant");
    Ok(())
}

#[tokio::test]
async fn offline_goes_on_where_online_ends_and_both_end_with_the_account() -> Result<()> {
    let world = Signed::start().await?;
    for (scope, end, goes_on) in [
        (OFFLINE, "update session set ends_at = now()", true),
        (OFFLINE, "delete from session", true),
        (OFFLINE, "update approval set ends_at = now()", false),
        (OFFLINE, "update approval set revoked_at = now()", false),
        (OFFLINE, "update account set disabled_at = now() where login = 'anna'", false),
        ("online_access patient/Patient.rs", "select 1", true),
        ("online_access patient/Patient.rs", "update session set ends_at = now()", false),
        ("online_access patient/Patient.rs", "delete from session", false),
    ] {
        let app = world.spa(scope);
        let token = first(&world, &app).await?.text_at("refresh_token");
        run(&world, end).await?;
        let answer = again(&app, &token, None).await?;
        assert_eq!(answer.status == 200, goes_on, "{scope} after {end}: {}", answer.text);
        run(&world, "update account set disabled_at = null").await?;
    }
    let days: f64 = {
        let app = world.spa(OFFLINE);
        first(&world, &app).await?;
        let mut owner = world.server.database.connect().await?;
        sqlx::query_scalar(
            "select (extract(epoch from max(ends_at) - now()) / 86400)::float8 from approval",
        )
        .fetch_one(&mut owner)
        .await?
    };
    assert!((99.0..=100.0).contains(&days), "{days}");
    // G83: the page names it, and it can be left out.
    let app = world.spa(OFFLINE);
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    assert!(page.text.contains("offline access"), "{}", page.text);
    let form = page.form("/auth/consent")?.without("scope", "offline_access");
    let answer = app.token(&visitor.submit(&form.with("decision", "allow")).await?).await?;
    assert_eq!(answer.text_at("scope"), "patient/Patient.rs patient/Observation.rs");
    assert_eq!(answer.at("refresh_token"), None);
    Ok(())
}

/// Staff's own app: a refresh token that nobody used for eight hours is over.
#[tokio::test]
async fn staffs_own_app_ends_where_nobody_is_there() -> Result<()> {
    let world = Signed::start_with(|settings| {
        for client in &mut settings.clients {
            client.own = client.id == "spa";
        }
    })
    .await?;
    for (idle, goes_on) in [("7 h 59 min", true), ("8 h 1 s", false)] {
        let app = world.spa("patient/Patient.rs");
        let answer = first(&world, &app).await?;
        assert!(answer.text.contains("\"expires_in\":14"), "four hours: {}", answer.text);
        let token = answer.text_at("refresh_token");
        run(&world, &format!("update approval set made_at = now() - interval '{idle}'")).await?;
        assert_eq!(again(&app, &token, None).await?.status == 200, goes_on, "{idle}");
        let other = world.server_app(OFFLINE);
        let token = first(&world, &other).await?.text_at("refresh_token");
        run(&world, &format!("update approval set made_at = now() - interval '{idle}'")).await?;
        assert_eq!(again(&other, &token, None).await?.status, 200, "an app of others");
    }
    Ok(())
}

/// G77 and G78.
#[tokio::test]
async fn a_client_with_a_secret_learns_what_a_token_is_good_for() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.server_app(OFFLINE);
    let answer = first(&world, &app).await?;
    let (access, refresh) = (answer.text_at("access_token"), answer.text_at("refresh_token"));
    let ask = async |app: &App, token: &str| {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let form = [("token", token), ("client_id", app.id.as_str())];
        let request = http.post(format!("{}/auth/introspect", world.origin));
        Answer::of(match &app.secret {
            Some(secret) => request.form(&form[..1]).basic_auth(&app.id, Some(secret)),
            None => request.form(&form),
        })
        .await
    };
    let said = ask(&app, &access).await?;
    for (member, value) in [
        ("scope", OFFLINE),
        ("client_id", "server-app"),
        ("patient", "anna"),
        ("fhirUser", "Patient/anna"),
        ("iss", &format!("{}/auth", world.origin)),
    ] {
        assert_eq!(said.text_at(member), value, "{}", said.text);
    }
    assert!(
        said.text.contains("\"active\":true") && said.text.contains("\"exp\":"),
        "{}",
        said.text
    );
    let said = ask(&app, &refresh).await?;
    assert!(said.text.contains("\"active\":true"), "{}", said.text);
    for token in ["made-up", "a.b.c", &format!("{access}x"), &refresh.replace(".0.", ".1.")] {
        let said = ask(&app, token).await?;
        assert_eq!((said.status, said.text.as_str()), (200, r#"{"active":false}"#), "{token}");
    }
    let public = world.spa(OFFLINE);
    assert_eq!(ask(&public, &access).await?.status, 401);
    let wrong = App { secret: Some("wrong".into()), ..app };
    assert_eq!(ask(&wrong, &access).await?.status, 401);
    Ok(())
}

/// As npm's `fhirclient` asks: who has no secret has nothing more to say than the token.
#[tokio::test]
async fn an_app_without_a_secret_sends_the_token_alone() -> Result<()> {
    let world = Signed::start().await?;
    let (spa, server) = (world.spa(OFFLINE), world.server_app(OFFLINE));
    let ask = async |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let http = reqwest::Client::builder().no_proxy().build()?;
        Answer::of(http.post(format!("{}/auth/token", world.origin)).form(&form)).await
    };
    let token = first(&world, &spa).await?.text_at("refresh_token");
    let answer = ask(&token).await?;
    assert_eq!((answer.status, answer.text_at("patient").as_str()), (200, "anna"));
    // Stolen and shown again, it ends the authorization as always.
    run(&world, "update approval set rotated_at = rotated_at - interval '1 h'").await?;
    let (again, newest) = (ask(&token).await?, ask(&answer.text_at("refresh_token")).await?);
    for answer in [again, newest, ask("made-up").await?, ask("1.0.AAAA.BBBB").await?] {
        assert_eq!((answer.status, answer.text_at("error").as_str()), (400, "invalid_grant"));
    }
    // Who has a secret shows it.
    let token = first(&world, &server).await?.text_at("refresh_token");
    let answer = ask(&token).await?;
    assert_eq!((answer.status, answer.text_at("error").as_str()), (401, "invalid_client"));
    assert_eq!(self::again(&server, &token, None).await?.status, 200);
    Ok(())
}
