//! What the record says of those who prove nothing, of what people decide, and of what clients ask about tokens; and that
//! nobody can fill it.

use std::time::Duration;

use anyhow::{Context, Result};
use auth::Register;
use auth::limits::REFUSALS_OF_ADDRESS_MAX;
use futures::future::join_all;
use it::ledger::until;
use it::{APP_SECRET, Answer, Database, Fixture, Form, PASSWORD, Page, Signed, Visitor};
use sqlx::{AssertSqlSafe, PgConnection};
use telemetry::Clock;

/// The record as it grows: `action status client subject token: detail`, a hyphen for what is not there.
pub(crate) struct Record {
    database: PgConnection,
    seen: i64,
}

impl Record {
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        let mut record = Self { database: database.connect().await?, seen: 0 };
        record.news().await?;
        Ok(record)
    }

    pub(crate) async fn news(&mut self) -> Result<Vec<String>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "select audit_id, concat_ws(' ', action, status, client,
                coalesce((select login from account where sub = a.subject), subject, '-'),
                case when patients is null then '-' else (
                    select string_agg(id, ',' order by id) from resource where id_hash = any (a.patients)) end,
                coalesce(rules, detail, '-'))
             from audit a where audit_id > $1 order by audit_id",
        )
        .bind(self.seen)
        .fetch_all(&mut self.database)
        .await?;
        self.seen = rows.iter().map(|(number, _)| *number).max().unwrap_or(self.seen);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// How many rows have this anywhere.
    async fn has(&mut self, text: &str) -> Result<i64> {
        let query = sqlx::query_scalar("select count(*) from audit a where a::text like $1");
        Ok(query.bind(format!("%{text}%")).fetch_one(&mut self.database).await?)
    }
}

async fn post(
    origin: &str,
    path: &str,
    basic: Option<(&str, &str)>,
    form: &[(&str, &str)],
) -> Result<Answer> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http.post(format!("{origin}{path}")).form(form);
    Answer::of(match basic {
        Some((id, secret)) => request.basic_auth(id, Some(secret)),
        None => request,
    })
    .await
}

#[tokio::test]
async fn a_token_that_is_not_good_is_recorded_with_whose_it_is() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    let token = app.token(&page).await?.text_at("access_token");
    let client = world.server.client.bearing(token.clone());
    let form = [("token", token.as_str()), ("client_id", "spa")];
    assert_eq!(post(&world.origin, "/auth/revoke", None, &form).await?.status, 200);
    let over = async || client.get("/Patient/anna").await.is_ok_and(|it| it.status == 401);
    until("the token is over", Duration::from_secs(5), over).await?;
    let mut record = Record::open(&world.server.database).await?;
    let forged = format!("{token}x");
    let forged = world.server.client.bearing(forged);
    for (client, path, row) in [
        (&client, "/Patient/anna", "1 401 spa anna - token:revoked"),
        (&client, "/Observation?code=x", "4 401 spa anna - token:revoked"),
        (&forged, "/Patient/anna", "1 401 (unknown) - - token:unknown"),
        (&forged, "/Nothing/x", "5 401 (unknown) - - token:unknown"),
    ] {
        assert_eq!(client.get(path).await?.status, 401);
        assert_eq!(record.news().await?, [row], "{path}");
    }
    // Whoever shows none claims nothing.
    assert_eq!(client.anonymous().get("/Patient/anna").await?.status, 401);
    assert_eq!(record.news().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_recorded() -> Result<()> {
    let clock = Clock::manual(Clock::system().now());
    let server = Fixture::start_with(|settings| settings.clock = clock.clone()).await?;
    let mut record = Record::open(&server.database).await?;
    clock.advance(Duration::from_secs(400));
    assert_eq!(server.client.get("/Patient/a").await?.status, 401);
    assert_eq!(record.news().await?, ["1 401 dev-backend - - token:expired"]);
    Ok(())
}

#[tokio::test]
async fn a_client_that_proves_nothing_or_asks_too_much_is_recorded() -> Result<()> {
    let world = Signed::start().await?;
    let (origin, dev) = (&world.origin, Some(("dev-backend", "dev-secret")));
    let app = world.spa("offline_access patient/Patient.rs");
    let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    let refresh = app.token(&page).await?.text_at("refresh_token");
    let mut record = Record::open(&world.server.database).await?;
    let wrong = "client not proven: No client has this id and secret";
    let grant = ("grant_type", "client_credentials");
    let own = ("client_id", "spa");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh), own];
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "made-up"),
        ("redirect_uri", it::REDIRECT),
        ("code_verifier", &app.verifier),
        own,
    ];
    let wider = [&again[..], &[("scope", "patient/Observation.rs")]].concat();
    let system = [grant, ("scope", "patient/Patient.rs")];
    let token = world.server.client.request("GET", "/").build()?;
    let token = token.headers()["authorization"].to_str()?.trim_start_matches("Bearer ").to_owned();
    let known = [("token", token.as_str())];
    for (path, basic, form, status, row) in [
        ("token", Some(("dev-backend", "hunter2")), &[grant][..], 401, format!("7 401 dev-backend - - {wrong}")),
        ("token", Some(("hunter3", "x")), &[grant], 401, format!("7 401 (unknown) - - {wrong}")),
        ("introspect", Some(("server-app", "x")), &known, 401, format!("7 401 server-app - - {wrong}")),
        ("revoke", Some(("server-app", "x")), &known, 401, format!("7 401 server-app - - {wrong}")),
        ("token", dev, &system, 400, "7 400 dev-backend - - client_credentials: The client is registered for none of these scopes; without a user they begin with system/".into()),
        ("token", None, &wider, 400, "7 400 spa - - refresh_token: None of these scopes was given, or the client may have none of them any more".into()),
        ("token", None, &code, 400, "7 400 spa - - authorization_code: refused".into()),
        ("introspect", None, &[("token", "made-up"), own], 401, "16 401 spa - - client not proven: Only a client that proves who it is may ask what a token is good for".into()),
        ("introspect", dev, &[("token", "made-up")], 200, "16 200 dev-backend - - no token that is good".into()),
        ("introspect", Some(("server-app", APP_SECRET)), &[("token", &refresh)], 200, "16 200 server-app - - refresh token of authorization 1".into()),
        ("revoke", None, &[("token", "made-up"), own], 200, "8 200 spa - - no token of this client".into()),
        ("revoke", None, &[("token", &refresh), own], 200, "8 200 spa - - authorization 1".into()),
    ] {
        let answer = post(origin, &format!("/auth/{path}"), basic, form).await?;
        assert_eq!(answer.status, status, "{path} {row}: {}", answer.text);
        assert_eq!(record.news().await?, [row], "{path}");
    }
    let answer = post(origin, "/auth/introspect", dev, &known).await?;
    assert!(answer.text.contains("\"active\":true"), "{}", answer.text);
    let news = record.news().await?.pop().context("a row")?;
    assert!(news.starts_with("16 200 dev-backend - - access token "), "{news}");
    // What was sent as a secret, or as a name that is nobody's, is nowhere.
    assert_eq!((record.has("hunter2").await?, record.has("hunter3").await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_failed_log_in_says_whose_and_never_what_was_typed() -> Result<()> {
    let world = Signed::start().await?;
    let mut record = Record::open(&world.server.database).await?;
    let app = world.spa("patient/Patient.rs");
    for (login, password, row) in [
        ("anna", "hunter2 hunter2", "6 403 spa anna - -"),
        (" ANNA ", "hunter2 hunter2", "6 403 spa anna - -"),
        ("hunter3", "hunter2 hunter2", "6 403 spa - - -"),
        ("not a log-in: hunter3", "x", "6 403 spa - - -"),
        ("anna", PASSWORD, "6 200 spa anna - -"),
    ] {
        let mut visitor = world.visitor()?;
        let page = visitor.open(&app.path()).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", password);
        visitor.submit(&form).await?;
        let news: Vec<String> = record.news().await?;
        assert_eq!(news.first().map(String::as_str), Some(row), "{login} {news:?}");
    }
    assert_eq!((record.has("hunter2").await?, record.has("hunter3").await?), (0, 0));
    Ok(())
}

/// What a person says to an app, and that the person goes.
#[tokio::test]
async fn what_people_decide_is_recorded() -> Result<()> {
    let world = Signed::start().await?;
    let asked = world.spa("offline_access patient/Patient.rs patient/Observation.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&asked.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let whole = page.form("/auth/consent")?;
    let mut record = Record::open(&world.server.database).await?;
    let all = "offline_access patient/Patient.rs patient/Observation.rs";
    for (form, row) in [
        (whole.clone().with("decision", "allow"), format!("15 200 spa anna anna authorization 1 given: {all}")),
        (
            whole.clone().without("scope", "offline_access").with("decision", "allow"),
            "15 200 spa anna anna authorization 2 given in part: patient/Patient.rs patient/Observation.rs".to_owned(),
        ),
        (whole.clone().with("decision", "deny"), format!("15 403 spa anna anna refused: {all}")),
    ] {
        let back = visitor.submit(&form).await?;
        assert!(back.location().is_some_and(|to| to.starts_with(it::REDIRECT)), "{back:?}");
        // Before it there are the reads of the patient whom the page shows.
        let news = record.news().await?;
        assert_eq!(news.last(), Some(&row), "{news:?}");
    }
    let page = visitor.open("/auth/manage").await?;
    let page = visitor.submit(&page.form("/auth/logout")?).await?;
    assert_eq!(record.news().await?, ["14 200 carebridge anna - -"]);
    // Nobody signs out who is not signed in.
    let form = page.form("/auth/login")?;
    visitor.submit(&Form { action: "/auth/logout".to_owned(), ..form }).await?;
    assert_eq!(record.news().await?, [""; 0]);
    Ok(())
}

/// However many come, an address has some rows, and one more that counts the others.
#[tokio::test]
async fn a_flood_leaves_a_few_rows_and_one_that_counts_the_rest() -> Result<()> {
    let mut server = Fixture::start().await?;
    let origin = server.origin()?.to_owned();
    let mut record = Record::open(&server.database).await?;
    let forged = server.client.bearing("a.b.c".to_owned());
    let flood = 10 * REFUSALS_OF_ADDRESS_MAX;
    let many = join_all((0..flood).map(|_| forged.get("/Patient/a"))).await;
    for answer in many {
        assert_eq!(answer?.status, 401);
    }
    for _ in 0..flood {
        let form = [("grant_type", "client_credentials")];
        let answer = post(&origin, "/auth/token", Some(("dev-backend", "x")), &form).await?;
        assert!(matches!(answer.status, 401 | 429), "{}", answer.text);
    }
    let rows = |news: &[String], text: &str| news.iter().filter(|row| row.contains(text)).count();
    let news = record.news().await?;
    let own = REFUSALS_OF_ADDRESS_MAX as usize;
    assert_eq!((rows(&news, "token:unknown"), rows(&news, "not proven")), (own, own), "{news:?}");
    server.stop().await;
    let mut news = record.news().await?;
    news.sort();
    let rest = flood - REFUSALS_OF_ADDRESS_MAX;
    assert_eq!(
        news,
        [
            format!("5 401 (unknown) - - bearer: {rest} more were refused from this address"),
            format!("7 401 (unknown) - - client: {rest} more were refused from this address"),
        ]
    );
    let sql = "select count(*) from audit where address is null and client = '(unknown)'";
    let query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql.to_owned()));
    assert_eq!(query.fetch_one(&mut record.database).await?, 0, "each row says from where");
    Ok(())
}

/// What comes to nothing is bounded too, whoever it is that asks.
#[tokio::test]
async fn what_comes_to_nothing_leaves_a_few_rows_however_often() -> Result<()> {
    let mut world = Signed::start_with(|settings| {
        settings.auth.registration.by = Register::Open;
    })
    .await?;
    let origin = world.origin.clone();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let app = serde_json::json!({
        "client_name": "A new app", "redirect_uris": [it::REDIRECT],
        "token_endpoint_auth_method": "none", "scope": "launch/patient patient/*.rs",
    });
    let told = Answer::of(http.post(format!("{origin}/auth/register")).json(&app)).await?;
    let (own, token) =
        (told.text_at("registration_client_uri"), told.text_at("registration_access_token"));
    let (mut visitor, mut factored) = (world.visitor()?, world.visitor()?);
    let (review, _) = signed_in(&mut visitor, "anna", "/auth/review").await?;
    let (_, form) = signed_in(&mut factored, "clara", "/auth/device").await?;
    let mut verdict = review.form("/auth/logout")?.with("number", "1").with("verdict", "justified");
    verdict.action = "/auth/review".to_owned();
    let mut code = form.with("code", "000000");
    code.action = "/auth/factor".to_owned();
    let mut record = Record::open(&world.server.database).await?;
    let dev = Some(("dev-backend", "dev-secret"));
    let flood = 3 * REFUSALS_OF_ADDRESS_MAX;
    for _ in 0..flood {
        let asked = [("token", "made-up")];
        assert_eq!(post(&origin, "/auth/introspect", dev, &asked).await?.status, 200);
        assert_eq!(Answer::of(http.get(&own).bearer_auth(&token)).await?.status, 200);
        visitor.submit(&verdict).await?;
        assert_eq!(factored.submit(&code).await?.status, 403);
    }
    world.server.stop().await;
    let news = record.news().await?;
    let rest = flood - REFUSALS_OF_ADDRESS_MAX;
    for (each, sum) in [
        ("no token that is good", "client: {} more were refused from this address"),
        (", by itself: looked at", "own registration: {} more were looked at from this address"),
        ("access in an emergency 1", "review: {} more were refused from this address"),
        ("second factor", "log-in: {} more were refused from this address"),
    ] {
        let rows = |text: &str| news.iter().filter(|row| row.contains(text)).count();
        let sum = sum.replace("{}", &rest.to_string());
        assert_eq!((rows(each), rows(&sum)), (REFUSALS_OF_ADDRESS_MAX as usize, 1), "{news:?}");
    }
    Ok(())
}

/// Signs in at a page of our own: what it shows, and a form there.
async fn signed_in(visitor: &mut Visitor, login: &str, path: &str) -> Result<(Page, Form)> {
    let page = visitor.open(path).await?;
    let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let form = page.form("/auth/logout")?;
    Ok((page, form))
}
