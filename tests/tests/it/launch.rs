//! An app that is started from here, and the page on which people take back what they gave. G34 to G40, G76.

use anyhow::{Context, Result};
use it::{APP_SCOPE, App, PASSWORD, Signed, Visitor};
use sqlx::AssertSqlSafe;

const LAUNCH_URL: &str = "https://app.example.org/launch";

async fn world() -> Result<Signed> {
    let world = Signed::start_with(|settings| {
        for client in settings.clients.iter_mut().filter(|client| !client.redirects.is_empty()) {
            client.launch_url = Some(LAUNCH_URL.to_owned());
            client.scope = format!("launch {APP_SCOPE}");
        }
    })
    .await?;
    for (id, patient) in [("visit", "anna"), ("other", "bert")] {
        let body = format!(
            r#"{{"resourceType":"Encounter","id":"{id}","status":"finished","class":{{"code":"AMB"}},"subject":{{"reference":"Patient/{patient}"}},"period":{{"start":"2026-05-04T09:00:00Z"}}}}"#
        );
        let put = world.server.client.send("PUT", &format!("/Encounter/{id}"), &body).await?;
        assert_eq!(put.status, 201, "{}", put.text);
    }
    Ok(world)
}

/// Somebody of ours who has a patient open on the page that apps are started from.
async fn open(world: &Signed, patient: &str) -> Result<(Visitor, it::Page)> {
    let mut visitor = world.visitor()?;
    let page = visitor.open("/auth/launch").await?;
    let form = page.form("/auth/login")?.with("login", "clara").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let page = visitor.submit(&page.form("/auth/launch")?.with("identifier", patient)).await?;
    let found = page.text.split("<h2>").nth(1).context("somebody is found")?;
    let id = found.split("name=\"patient\" value=\"").nth(1).and_then(|it| it.split('"').next());
    let form = page.form("/auth/launch")?.with("patient", id.context("an id")?);
    let page = visitor.submit(&form).await?;
    Ok((visitor, page))
}

fn launched(app: &App, launch: &str) -> String {
    let mut asks = app.asks();
    asks.push(("launch", launch.to_owned()));
    it::path(&asks)
}

#[tokio::test]
async fn an_app_is_told_what_is_open_where_it_was_started() -> Result<()> {
    let world = world().await?;
    let (mut visitor, page) = open(&world, "A-1").await?;
    assert!(page.text.contains("2026-05-04, AMB, finished"), "{}", page.text);
    assert!(page.header("content-security-policy").contains("https://app.example.org"));
    let form = page.form("/auth/launch")?.with("app", "spa").with("encounter", "visit");
    let away = visitor.submit(&form.with("decision", "start")).await?;
    // G34: the app is opened with where we are, and what it asks by.
    assert!(
        away.location().is_some_and(|to| to.starts_with(&format!("{LAUNCH_URL}?"))),
        "{away:?}"
    );
    assert_eq!(away.param("iss"), Some(format!("{}/fhir", world.origin)));
    let launch = away.param("launch").context("G35: it is echoed")?;
    // G36 and G76: user scopes and a patient's.
    let app = world.spa("launch openid fhirUser patient/Observation.rs user/Encounter.rs");
    let page = visitor.open(&launched(&app, &launch)).await?;
    assert!(page.text.contains("Anna Alpha"), "{}", page.text);
    let back = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let answer = app.token(&back).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.text_at("scope"),
        "openid fhirUser launch patient/Observation.rs user/Encounter.rs"
    );
    // G37 to G40.
    assert_eq!(answer.text_at("patient"), "anna");
    assert_eq!(answer.text_at("encounter"), "visit");
    assert!(answer.text.contains("\"need_patient_banner\":true"), "{}", answer.text);
    let style = reqwest::Client::builder().no_proxy().build()?;
    let style = it::Answer::of(style.get(answer.text_at("smart_style_url"))).await?;
    assert_eq!(style.status, 200);
    assert!(style.text_at("color_background").starts_with('#'), "{}", style.text);
    let client = world.server.client.bearing(answer.text_at("access_token"));
    assert_eq!(client.get("/Observation/anna").await?.status, 200);
    assert_eq!(client.get("/Observation/bert").await?.status, 404);
    assert_eq!(client.get("/Encounter/visit").await?.status, 200);
    // It was good once.
    let again = visitor.open(&launched(&app, &launch)).await?;
    assert_eq!(again.param("error").as_deref(), Some("invalid_request"), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn a_launch_is_for_one_app_one_person_and_five_minutes() -> Result<()> {
    let world = world().await?;
    let start = async |app: &str| -> Result<(Visitor, String)> {
        let (mut visitor, page) = open(&world, "A-1").await?;
        let form = page.form("/auth/launch")?.with("app", app).with("decision", "start");
        let away = visitor.submit(&form).await?;
        Ok((visitor, away.param("launch").context("a launch")?))
    };
    let app = world.spa("launch patient/Observation.rs");
    // Another app, another person, another session of the same, too late, made up.
    let (mut visitor, launch) = start("server-app").await?;
    let page = visitor.open(&launched(&app, &launch)).await?;
    assert_eq!(page.param("error").as_deref(), Some("invalid_request"), "another app");
    let (_, launch) = start("spa").await?;
    for login in ["anna", "clara"] {
        let mut other = world.visitor()?;
        let page = other.open(&launched(&app, &launch)).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
        let page = other.submit(&form).await?;
        assert_eq!(page.param("error").as_deref(), Some("invalid_request"), "{login}");
        assert_eq!(page.param("code"), None);
    }
    let (mut visitor, launch) = start("spa").await?;
    let statement = "update launch set ends_at = now()";
    let mut owner = world.server.database.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut owner).await?;
    for launch in [launch.as_str(), "made-up"] {
        let page = visitor.open(&launched(&app, launch)).await?;
        assert_eq!(page.param("error").as_deref(), Some("invalid_request"));
    }
    // Without the scope it goes with.
    let (mut visitor, launch) = start("spa").await?;
    let bare = world.spa("patient/Observation.rs");
    let page = visitor.open(&launched(&bare, &launch)).await?;
    assert_eq!(page.param("error").as_deref(), Some("invalid_request"));
    // Neither an app that is not registered so, nor another patient's visit, nor nobody's patient.
    let (mut visitor, page) = open(&world, "A-1").await?;
    let form = page.form("/auth/launch")?.with("decision", "start");
    for (field, value, status) in [
        ("app", "dev-backend", 400),
        ("app", "nobody", 400),
        ("encounter", "other", 400),
        ("encounter", "../x", 400),
        ("patient", "nobody", 400),
    ] {
        let page = visitor.submit(&form.clone().with("app", "spa").with(field, value)).await?;
        assert_eq!((page.status, page.location()), (status, None), "{field} {value}");
    }
    Ok(())
}

/// The page offers each person what that person can do there.
#[tokio::test]
async fn the_page_offers_what_the_person_can_do() -> Result<()> {
    let world = world().await?;
    for (login, emergency, why) in
        [("clara", true, None), ("anna", false, None), ("aude", false, Some("watching over it"))]
    {
        let mut visitor = world.visitor()?;
        let page = visitor.open("/auth/launch").await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
        let page = visitor.submit(&form).await?;
        assert_eq!(page.link("/auth/break-glass").is_ok(), emergency, "{login}: {}", page.text);
        assert_eq!(page.form("/auth/launch").is_ok(), why.is_none(), "{login}: {}", page.text);
        let Some(why) = why else { continue };
        assert!(page.text.contains(why), "{login}: {}", page.text);
        let mut searched = page.form("/auth/logout")?.with("name", "alph");
        searched.action = "/auth/launch".into();
        let page = visitor.submit(&searched).await?;
        assert!(page.text.contains(why) && !page.text.contains("Alpha"), "{}", page.text);
    }
    Ok(())
}

#[tokio::test]
async fn people_see_what_they_gave_and_take_it_back() -> Result<()> {
    let world = world().await?;
    let app = world.spa("offline_access patient/Patient.rs");
    let mut visitor = world.visitor()?;
    let back = app.agree(&mut visitor, "anna", PASSWORD, None).await?;
    let answer = app.token(&back).await?;
    let client = world.server.client.bearing(answer.text_at("access_token"));
    assert_eq!(client.get("/Patient/anna").await?.status, 200);
    // Another person sees nothing of it, and takes nothing of it back.
    let mut other = world.visitor()?;
    let page = other.open("/auth/manage").await?;
    let form = page.form("/auth/login")?.with("login", "bert").with("password", PASSWORD);
    let page = other.submit(&form).await?;
    assert!(page.text.contains("No app has access"), "{}", page.text);
    let page = visitor.open("/auth/manage").await?;
    assert!(page.text.contains("The app spa"), "{}", page.text);
    assert!(page.text.contains("Goes on without you until"), "{}", page.text);
    let form = page.form("/auth/manage")?;
    let token = form.values("approval")[0].to_owned();
    let mut stolen = other.open("/auth/manage").await?.form("/auth/logout")?;
    stolen.action = "/auth/manage".into();
    other.submit(&stolen.with("approval", &token)).await?;
    assert_eq!(client.get("/Patient/anna").await?.status, 200, "not his");
    let page = visitor.submit(&form).await?;
    assert!(page.text.contains("No app has access"), "{}", page.text);
    let over = async || client.get("/Patient/anna").await.is_ok_and(|it| it.status == 401);
    it::ledger::until("it is over", std::time::Duration::from_secs(5), over).await?;
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", answer.text_at("refresh_token")),
        ("client_id", "spa".to_owned()),
    ];
    assert_eq!(app.ask(&form).await?.text_at("error"), "invalid_grant");
    Ok(())
}

/// However much somebody gave, a page is of a size, and all of it can be found and taken back.
#[tokio::test]
async fn what_was_given_is_shown_page_by_page() -> Result<()> {
    let world = world().await?;
    let app = world.spa("offline_access patient/Patient.rs");
    let mut visitor = world.visitor()?;
    app.agree(&mut visitor, "anna", PASSWORD, None).await?;
    let mut owner = world.server.database.connect().await?;
    let columns = "account, client, scopes, patient, offline, session, salt, ends_at";
    let again = format!(
        "insert into approval ({columns}) select {columns} from approval, generate_series(1, 119)"
    );
    sqlx::raw_sql(AssertSqlSafe(again)).execute(&mut owner).await?;
    let (mut path, mut sizes) = ("/auth/manage".to_owned(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let page = visitor.open(&path).await?;
        let numbers = page.text.split("name=\"approval\" value=\"").skip(1);
        let numbers = numbers.filter_map(|it| it.split('"').next()).filter(|it| *it != "all");
        let before = seen.len();
        seen.extend(numbers.map(str::to_owned));
        sizes.push(seen.len() - before);
        match page.link("/auth/manage?before=") {
            Ok(older) => path = older,
            Err(_) => break,
        }
    }
    assert_eq!(sizes, [50, 50, 20]);
    let last = visitor.open(&path).await?;
    let form = last.form("/auth/manage")?.with("approval", "all");
    let page = visitor.submit(&form).await?;
    assert!(page.text.contains("No app has access"), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn an_app_is_told_what_it_is_for_and_what_else_is_open() -> Result<()> {
    let world = world().await?;
    let report = r#"{"resourceType":"DiagnosticReport","id":"report","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/anna"}}"#;
    let put = world.server.client.send("PUT", "/DiagnosticReport/report", report).await?;
    assert_eq!(put.status, 201, "{}", put.text);
    let (mut visitor, page) = open(&world, "A-1").await?;
    let form = page.form("/auth/launch")?.with("app", "spa").with("decision", "start");
    let form = form.with("encounter", "visit");
    for (intent, context) in [
        ("x", "Patient/anna"),
        ("x", "Encounter/visit"),
        ("x", "DiagnosticReport/none"),
        ("x", "DiagnosticReport"),
        ("x", "Nothing/report"),
        (&"x".repeat(101), ""),
        ("a\nb", ""),
    ] {
        let form = form.clone().with("intent", intent).with("context", context);
        let page = visitor.submit(&form).await?;
        assert_eq!((page.status, page.location()), (400, None), "{intent} {context}");
        assert!(page.text.contains("role=\"alert\""), "{}", page.text);
    }
    let form = form.with("intent", "summary").with("context", "DiagnosticReport/report");
    let launch = visitor.submit(&form).await?.param("launch").context("a launch")?;
    let app = world.server_app("launch offline_access patient/Observation.rs");
    // It was for another app.
    let page = visitor.open(&launched(&app, &launch)).await?;
    assert_eq!(page.param("error").as_deref(), Some("invalid_request"));
    let launch = visitor
        .submit(&form.with("app", "server-app"))
        .await?
        .param("launch")
        .context("a launch")?;
    let page = visitor.open(&launched(&app, &launch)).await?;
    let back = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let answer = app.token(&back).await?;
    assert_eq!(answer.text_at("intent"), "summary", "{}", answer.text);
    assert_eq!(answer.text_at("fhirContext.0.reference"), "DiagnosticReport/report");
    // Whoever asks what the token is good for is told the same.
    let http = reqwest::Client::builder().no_proxy().build()?;
    for token in ["access_token", "refresh_token"] {
        let form = [("token", answer.text_at(token))];
        let request = http.post(format!("{}/auth/introspect", world.origin)).form(&form);
        let request = request.basic_auth("server-app", Some(it::APP_SECRET));
        let told = it::Answer::of(request).await?;
        for (member, value) in [
            ("patient", "anna"),
            ("encounter", "visit"),
            ("intent", "summary"),
            ("fhirContext.0.reference", "DiagnosticReport/report"),
        ] {
            assert_eq!(told.text_at(member), value, "{token}: {}", told.text);
        }
    }
    Ok(())
}
