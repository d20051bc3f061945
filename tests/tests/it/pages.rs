//! The pages: what browsers are told, what a form must be, what a cookie is; the record of log-ins.

use anyhow::{Context, Result};
use auth::limits::REFUSALS_OF_ADDRESS_MAX;
use it::{PASSWORD, Page, Signed};

#[tokio::test]
async fn pages_tell_browsers_to_run_frame_and_keep_nothing() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("launch/patient patient/*.rs");
    let mut visitor = world.visitor()?;
    let login = visitor.open(&app.path()).await?;
    let cookie = login.header("set-cookie").to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let form = login.form("/auth/login")?.with("login", "clara").with("password", PASSWORD);
    let picker = visitor.submit(&form).await?;
    let found = visitor.submit(&picker.form("/auth/patient")?.with("name", "alpha")).await?;
    let consent = visitor.submit(&found.form("/auth/consent")?).await?;
    let wrong = world.visitor()?.open("/auth/authorize?client_id=x").await?;
    for page in [&login, &picker, &found, &consent, &wrong] {
        let policy = page.header("content-security-policy");
        for part in
            ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(!page.text.contains("<script") && !page.text.contains("style=\""));
        assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<h1>"));
        // Each field has its label.
        for input in page.text.split("<input ").skip(1).filter(|it| it.contains("id=\"")) {
            let id = input.split("id=\"").nth(1).and_then(|it| it.split('"').next());
            let label = format!("<label for=\"{}\"", id.context("an id")?);
            assert!(page.text.contains(&label), "{label}: {}", page.text);
        }
    }
    let policy = consent.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://app.example.org;"), "{policy}");
    Ok(())
}

/// What apps and people write is text on a page, nothing else.
#[tokio::test]
async fn nothing_on_a_page_is_markup_that_was_not_ours() -> Result<()> {
    let world = Signed::start_with(|settings| {
        for app in &mut settings.clients {
            app.name = app.name.as_ref().map(|_| "<script>alert('app')</script>".to_owned());
        }
    })
    .await?;
    let patient = r#"{"resourceType":"Patient","id":"x","name":[{"family":"Gamma<img src=x onerror=alert(1)>"}]}"#;
    world.server.client.send("PUT", "/Patient/x", patient).await?;
    let mut app = world.spa("launch/patient patient/*.rs");
    app.state = "\"><script>alert('state')</script>".to_owned();
    let mut visitor = world.visitor()?;
    let login = visitor.open(&app.path()).await?;
    let again = login.form("/auth/login")?;
    let again = visitor.submit(&again.with("login", "\"><b>x</b>").with("password", "y")).await?;
    let form = again.form("/auth/login")?.with("login", "clara").with("password", PASSWORD);
    let picker = visitor.submit(&form).await?;
    let form = picker.form("/auth/patient")?.with("name", "gamma").with("identifier", "");
    let found = visitor.submit(&form).await?;
    let consent = visitor.submit(&found.form("/auth/consent")?).await?;
    for page in [&login, &again, &picker, &found, &consent] {
        for wild in ["<script", "<img", "<b>x"] {
            assert!(!page.text.contains(wild), "{wild}: {}", page.text);
        }
    }
    assert!(consent.text.contains("Gamma"), "{}", consent.text);
    let back = visitor.submit(&consent.form("/auth/consent")?.with("decision", "allow")).await?;
    assert_eq!(back.param("state"), Some(app.state.clone()), "it comes back as it was");
    Ok(())
}

#[tokio::test]
async fn a_form_is_good_in_the_browser_that_got_it_and_from_our_pages() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/*.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let login = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    // Another browser, none at all, another site, no token.
    let mut other = world.visitor()?;
    other.open(&app.path()).await?;
    assert_eq!(other.submit(&login).await?.status, 403);
    assert_eq!(world.visitor()?.submit(&login).await?.status, 403);
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(visitor.submit_from(&login, origin).await?.status, 403, "{origin}");
    }
    for token in ["", "x"] {
        let form = login.clone().with("token", token);
        assert_eq!(visitor.submit(&form).await?.status, 403, "{token}");
    }
    let before = visitor.cookie.clone();
    let consent = visitor.submit(&login).await?;
    assert_ne!(
        visitor.cookie, before,
        "whoever gave the browser its first cookie is not signed in"
    );
    // The cookie of before is of nobody.
    let mut old = world.visitor()?;
    old.cookie = before;
    assert!(old.open(&app.path()).await?.form("/auth/login").is_ok());
    // The form of one session does nothing in another.
    let form = consent.form("/auth/consent")?.with("decision", "allow");
    let mut stranger = world.visitor()?;
    let page = stranger.open(&app.path()).await?;
    let login = page.form("/auth/login")?.with("login", "bert").with("password", PASSWORD);
    stranger.submit(&login).await?;
    assert_eq!(stranger.submit(&form).await?.status, 403);
    assert!(visitor.submit(&form).await?.param("code").is_some());
    Ok(())
}

#[tokio::test]
async fn signing_out_ends_the_session() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/*.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let login = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let consent = visitor.submit(&login).await?;
    let (before, form) = (visitor.clone(), consent.form("/auth/consent")?);
    let page = visitor.submit(&consent.form("/auth/logout")?).await?;
    assert!(page.form("/auth/login").is_ok());
    // Also for whoever kept the cookie: he is asked to sign in.
    let mut kept = before;
    let page = kept.submit(&form.with("decision", "allow")).await?;
    assert!(page.form("/auth/login").is_ok() && page.param("code").is_none());
    Ok(())
}

#[tokio::test]
async fn another_person_at_the_same_browser_ends_the_session_of_before() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/*.rs");
    let again = format!("{}&prompt=login", app.path());
    let mut visitor = world.visitor()?;
    let as_whom = |page: Page, login: &str| {
        anyhow::Ok(page.form("/auth/login")?.with("login", login).with("password", PASSWORD))
    };
    let page = visitor.open(&app.path()).await?;
    visitor.submit(&as_whom(page, "anna")?).await?;
    let mut anna = visitor.clone();
    let page = visitor.open(&again).await?;
    visitor.submit(&as_whom(page, "anna")?).await?;
    assert!(anna.open(&app.path()).await?.form("/auth/consent").is_ok(), "the same person");

    let mut second = visitor.clone();
    let page = visitor.open(&again).await?;
    visitor.submit(&as_whom(page, "bert")?).await?;
    assert!(second.open(&app.path()).await?.form("/auth/login").is_ok(), "nobody can end it");
    let ended: i64 = sqlx::query_scalar("select count(*) from audit where action = 14")
        .fetch_one(&mut world.server.database.connect().await?)
        .await?;
    assert_eq!(ended, 1);
    Ok(())
}

#[tokio::test]
async fn guessing_is_slowed_and_recorded() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/*.rs");
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let login = page.form("/auth/login")?;
    let mut said = Vec::new();
    for name in ["anna", "nobody"] {
        let form = login.clone().with("login", name).with("password", "a wrong password");
        let page = visitor.submit(&form).await?;
        assert_eq!(page.status, 403);
        said.push(page.text.replace(name, "…").replace(page.header("date"), ""));
        for _ in 0..9 {
            assert_eq!(visitor.submit(&form).await?.status, 403);
        }
        assert_eq!(visitor.submit(&form).await?.status, 429, "{name}");
    }
    assert_eq!(said[0], said[1], "who is there and who is not");
    let mut owner = world.server.database.connect().await?;
    let refused: i64 =
        sqlx::query_scalar("select count(*) from audit where action = 6 and status = 403")
            .fetch_one(&mut owner)
            .await?;
    // The others are counted, and told in one row.
    assert_eq!(refused, i64::from(REFUSALS_OF_ADDRESS_MAX));
    let locked: bool =
        sqlx::query_scalar("select locked_until > now() from account where login = 'anna'")
            .fetch_one(&mut owner)
            .await?;
    assert!(locked);
    Ok(())
}

#[tokio::test]
async fn log_ins_and_tokens_are_in_the_record() -> Result<()> {
    let world = Signed::start().await?;
    let app = world.spa("patient/Patient.rs");
    world.given(&app, "anna", None).await?;
    let mut owner = world.server.database.connect().await?;
    let recorded: Vec<(i16, String, Option<String>, bool, bool)> = sqlx::query_as(
        "select a.action, a.client, a.person, p.sub = a.subject, a.address is not null
         from audit a join account p on p.login = 'anna' where a.client = 'spa' order by a.at",
    )
    .fetch_all(&mut owner)
    .await?;
    let person = Some("Patient/anna".to_owned());
    let line = |action: i16| (action, "spa".to_owned(), person.clone(), true, true);
    // The log-in, what was given, the token.
    assert_eq!(recorded, [line(6), line(15), line(7)]);
    Ok(())
}
