//! Signing in at another provider: another CareBridge, which is a provider of OpenID Connect as others are.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use auth::{ClientForm, FormProof, ProviderConfig, Secret};
use it::ledger::binary;
use it::{App, PASSWORD, Page, Signed, Visitor};
use sqlx::AssertSqlSafe;
use store::{AccountChange, RegisteredBy};
use tokio::net::TcpListener;

/// A provider, and a server whose people may sign in there.
struct World {
    there: Signed,
    here: Signed,
    issuer: String,
    secret: String,
}

impl World {
    async fn start() -> Result<Self> {
        let there = Signed::start().await?;
        let form = ClientForm {
            id: "us".into(),
            name: None,
            scope: "openid fhirUser".into(),
            redirects: vec![it::REDIRECT.into()],
            launch_url: None,
            own: false,
            proof: FormProof::Secret,
            by: RegisteredBy::Operator,
        };
        let secret = form.create(&there.store).await?.context("a secret")?;
        let issuer = format!("{}/auth", there.origin);
        let provider = ProviderConfig {
            name: "The other one".into(),
            issuer: issuer.clone(),
            client_id: "us".into(),
            secret: Secret::new(secret.clone()),
            secret_in_form: false,
            scopes: vec!["openid".into()],
        };
        let allowed = there.origin.clone();
        let here = Signed::start_with(|settings| {
            settings.auth.providers.push(provider);
            settings.outbound.allow.push(allowed);
        })
        .await?;
        // The provider is told where people come back to, now that it is known.
        let callback = format!("{}/auth/callback", here.origin);
        let mut owner = there.server.database.connect().await?;
        let statement = "update client set redirects = array[$1]";
        sqlx::query(statement).bind(callback).execute(&mut owner).await?;
        Ok(Self { there, here, issuer, secret })
    }

    /// From the log-in page there, where somebody signs in and answers: the path back.
    async fn there(&self, visitor: &mut Visitor, login: &str, decision: &str) -> Result<String> {
        let page = visitor.open(&self.app().path()).await?;
        let away = visitor.open(&page.link("/auth/external?")?).await?;
        let path = below(&away, &self.there.origin)?;
        let mut other = self.there.visitor()?;
        let page = other.open(&path).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
        let page = other.submit(&form).await?;
        let form = page.form("/auth/consent")?.with("decision", decision);
        below(&other.submit(&form).await?, &self.here.origin)
    }

    fn app(&self) -> App {
        self.here.spa("patient/Patient.rs")
    }

    /// Links whoever `there` is to an account of here, in a new browser.
    async fn link(&self, there: &str, here: &str) -> Result<(Visitor, Page)> {
        let mut visitor = self.here.visitor()?;
        let back = self.there(&mut visitor, there, "allow").await?;
        let page = visitor.open(&back).await?;
        ensure!(page.text.contains("Linking your log-in at another provider"), "{}", page.text);
        ensure!(page.link("/auth/external").is_err(), "nobody is sent round in circles");
        let form = page.form("/auth/login")?.with("login", here).with("password", PASSWORD);
        let page = visitor.submit(&form).await?;
        ensure!(page.text.contains("Link your log-in at The other one"), "{}", page.text);
        Ok((visitor, page))
    }

    async fn ask<T>(&self, question: &str) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let mut owner = self.here.server.database.connect().await?;
        let query = sqlx::query_scalar(AssertSqlSafe(question.to_owned()));
        Ok(query.fetch_one(&mut owner).await?)
    }

    async fn run(&self, statement: &str) -> Result<()> {
        let mut owner = self.here.server.database.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
        Ok(())
    }
}

/// The path of a page's answer on a server.
fn below(page: &Page, origin: &str) -> Result<String> {
    let location = page.location().with_context(|| format!("{page:?}"))?;
    let path = location.strip_prefix(origin);
    Ok(path.with_context(|| format!("{location} is not below {origin}"))?.to_owned())
}

#[tokio::test]
async fn a_person_links_once_and_signs_in_there_from_then_on() -> Result<()> {
    let world = World::start().await?;
    let (mut visitor, page) = world.link("bert", "anna").await?;
    let page = visitor.submit(&page.form("/auth/link")?).await?;
    assert!(page.text.contains("Give The app spa access?"), "{}", page.text);
    // From now on no password of here is asked for.
    for _ in 0..2 {
        let mut visitor = world.here.visitor()?;
        let back = world.there(&mut visitor, "bert", "allow").await?;
        let page = visitor.open(&back).await?;
        assert!(page.text.contains("You are signed in as <strong>anna</strong>"), "{}", page.text);
        assert!(page.text.contains("Give The app spa access?"), "{}", page.text);
    }
    let factors: Vec<i16> = {
        let mut owner = world.here.server.database.connect().await?;
        sqlx::query_scalar("select factors from session order by session")
            .fetch_all(&mut owner)
            .await?
    };
    assert_eq!(factors, [1, 8, 8]);
    let linked = "select count(*) from audit where action = 13 and detail like '%external log-in at % linked'";
    assert_eq!(world.ask::<i64>(linked).await?, 1);
    let entered = "select count(*) from audit where action = 6 and status = 200 and detail like 'external log-in at %'
        and person = 'Patient/anna'";
    assert_eq!(world.ask::<i64>(entered).await?, 2);
    // Somebody else of there is somebody else here, whatever his names are.
    let mut other = world.here.visitor()?;
    let back = world.there(&mut other, "anna", "allow").await?;
    let page = other.open(&back).await?;
    assert!(page.form("/auth/login").is_ok(), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn a_log_in_is_of_one_account_and_of_one_that_goes_on() -> Result<()> {
    let world = World::start().await?;
    let (mut first, page) = world.link("bert", "anna").await?;
    let (mut second, other) = world.link("bert", "clara").await?;
    first.submit(&page.form("/auth/link")?).await?;
    let page = second.submit(&other.form("/auth/link")?).await?;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("linked to another account"), "{}", page.text);
    let many = "select count(*) from credential where kind = 3";
    assert_eq!(world.ask::<i64>(many).await?, 1);
    // A second factor of here is asked for besides.
    world
        .run(
            "insert into credential (account, kind, sealed, step)
            select account, 1, 'x', 0 from account where login = 'anna'",
        )
        .await?;
    let mut visitor = world.here.visitor()?;
    let back = world.there(&mut visitor, "bert", "allow").await?;
    let page = visitor.open(&back).await?;
    assert!(page.form("/auth/factor").is_ok(), "{}", page.text);
    world.here.store.change_account("anna", AccountChange::Disable).await?;
    let mut visitor = world.here.visitor()?;
    let back = world.there(&mut visitor, "bert", "allow").await?;
    let page = visitor.open(&back).await?;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("is closed"), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn nobody_comes_back_as_another_or_twice() -> Result<()> {
    let world = World::start().await?;
    let (mut visitor, page) = world.link("bert", "anna").await?;
    visitor.submit(&page.form("/auth/link")?).await?;
    let sessions = "select count(*) from session where factors = 8";
    // The way back of one browser, taken by another, and by one that never went.
    let (mut one, mut two) = (world.here.visitor()?, world.here.visitor()?);
    let back = world.there(&mut one, "bert", "allow").await?;
    let other = world.there(&mut two, "bert", "allow").await?;
    assert_eq!(two.open(&back).await?.status, 400);
    assert_eq!(world.here.visitor()?.open(&back).await?.status, 400);
    // Another's code with one's own state: it proves nothing without what that one began with.
    let part = |path: &str, name: &str| {
        let pairs = path.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        let mut pairs =
            form_urlencoded::parse(pairs.as_bytes()).into_owned().collect::<Vec<_>>().into_iter();
        pairs.find(|(have, _)| have == name).map(|(_, value)| value).unwrap_or_default()
    };
    let mixed =
        format!("/auth/callback?code={}&state={}", part(&back, "code"), part(&other, "state"));
    assert_eq!(two.open(&mixed).await?.status, 503);
    assert_eq!(world.ask::<i64>(sessions).await?, 0);
    // Each is back once.
    assert_eq!(two.open(&other).await?.status, 400);
    // An answer that says it is another provider's.
    let back = world.there(&mut one, "bert", "allow").await?;
    let mixed_up = format!("{back}&iss=https%3A%2F%2Felsewhere.example");
    assert_eq!(one.open(&mixed_up).await?.status, 400);
    let back = world.there(&mut one, "bert", "allow").await?;
    assert_eq!(one.open(&back).await?.status, 200);
    assert_eq!(one.open(&back).await?.status, 400);
    assert_eq!(world.ask::<i64>(sessions).await?, 1);
    // Who says no there is asked again here.
    let mut visitor = world.here.visitor()?;
    let back = world.there(&mut visitor, "bert", "deny").await?;
    assert!(visitor.open(&back).await?.form("/auth/login").is_ok());
    // Too late.
    let back = world.there(&mut visitor, "bert", "allow").await?;
    world.run("update away set ends_at = now()").await?;
    assert_eq!(visitor.open(&back).await?.status, 400);
    Ok(())
}

/// A provider that is not there, or whose document is another's.
#[tokio::test]
async fn a_provider_that_does_not_answer_is_said() -> Result<()> {
    let closed = TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", closed.local_addr()?);
    drop(closed);
    let (allowed, inside) = (issuer.clone(), "http://169.254.169.254".to_owned());
    let of = |issuer: String| ProviderConfig {
        name: "Away".into(),
        issuer,
        client_id: "us".into(),
        secret: Secret::new("x".into()),
        secret_in_form: false,
        scopes: vec!["openid".into()],
    };
    let providers = vec![of(issuer), of(inside)];
    let world = Signed::start_with(|settings| {
        settings.auth.providers = providers;
        settings.outbound.allow.push(allowed);
    })
    .await?;
    let mut visitor = world.visitor()?;
    let page = visitor.open("/auth/manage").await?;
    assert!(page.form("/auth/login").is_ok(), "the log-in page does not wait for providers");
    for number in [0, 1] {
        let page = visitor.open(&format!("/auth/external?provider={number}&to=manage")).await?;
        assert_eq!(page.status, 503, "{}", page.text);
        assert!(page.text.contains("Away does not answer as it should"), "{}", page.text);
    }
    assert_eq!(visitor.open("/auth/external?provider=2&to=manage").await?.status, 400);
    assert_eq!(visitor.open("/auth/external?provider=0&to=&request=x").await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn an_operator_links_and_unlinks() -> Result<()> {
    let world = World::start().await?;
    let file =
        std::env::temp_dir().join(format!("carebridge-external-{}.toml", std::process::id()));
    std::fs::write(
        &file,
        format!(
            "[[auth.provider]]\nname = 'x'\nissuer = '{}'\nclient_id = 'us'\nsecret = '{}'\n",
            world.issuer, world.secret
        ),
    )?;
    let run = |words: &[&str]| -> Result<(String, bool)> {
        let mut command = Command::new(binary()?);
        let url = &world.here.server.database.url;
        command.arg("account").args(words).env("CAREBRIDGE_DATABASE_URL", url);
        let output = command.env("CAREBRIDGE_CONFIG", &file).stdin(Stdio::null()).output()?;
        let text = String::from_utf8([output.stdout, output.stderr].concat())?;
        Ok((text, output.status.success()))
    };
    let subject = world.there.store.account_of("bert").await?.sub;
    let (issuer, subject) = (world.issuer.as_str(), subject.as_str());
    for (words, good, said) in [
        (
            vec!["link", "clara", "--issuer", "https://x.example", "--subject", subject],
            false,
            "no provider",
        ),
        (vec!["link", "john", "--issuer", issuer, "--subject", subject], false, "no account"),
        (vec!["link", "clara", "--issuer", issuer, "--subject", subject], true, "clara"),
        (
            vec!["link", "anna", "--issuer", issuer, "--subject", subject],
            false,
            "linked to this log-in",
        ),
    ] {
        let (text, well) = run(&words)?;
        assert_eq!(well, good, "{words:?}: {text}");
        assert!(text.contains(said), "{words:?}: {text}");
    }
    let mut visitor = world.here.visitor()?;
    let back = world.there(&mut visitor, "bert", "allow").await?;
    let page = visitor.open(&back).await?;
    assert!(page.text.contains("signed in as <strong>clara</strong>"), "{}", page.text);
    let (text, well) = run(&["unlink", "clara", "--issuer", issuer])?;
    ensure!(well, "{text}");
    let page = visitor.open("/auth/manage").await?;
    assert!(page.form("/auth/login").is_ok(), "the session that it began is over");
    let (text, well) = run(&["unlink", "clara", "--issuer", issuer])?;
    ensure!(!well && text.contains("not linked"), "{text}");
    std::fs::remove_file(&file)?;
    Ok(())
}

/// Whoever is signed in there already is not asked again, and what an app is told of the log-in is what was proved there.
#[tokio::test]
async fn how_fresh_a_log_in_is_the_provider_says() -> Result<()> {
    let world = World::start().await?;
    let (mut visitor, page) = world.link("bert", "anna").await?;
    visitor.submit(&page.form("/auth/link")?).await?;
    let mut other = world.there.visitor()?;
    let page = other.open("/auth/manage").await?;
    let form = page.form("/auth/login")?.with("login", "bert").with("password", PASSWORD);
    other.submit(&form).await?;
    let mut owner = world.there.server.database.connect().await?;
    sqlx::raw_sql("update session set proved_at = now() - interval '1 h'")
        .execute(&mut owner)
        .await?;
    for (more, asked_there) in
        [("", false), ("&max_age=7200", false), ("&max_age=600", true), ("&prompt=login", true)]
    {
        let mut visitor = world.here.visitor()?;
        let page = visitor.open(&format!("{}{more}", world.app().path())).await?;
        let away = visitor.open(&page.link("/auth/external?")?).await?;
        let page = other.open(&below(&away, &world.there.origin)?).await?;
        assert_eq!(page.form("/auth/login").is_ok(), asked_there, "{more}: {}", page.text);
        if asked_there {
            continue;
        }
        let back = other.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
        let page = visitor.open(&below(&back, &world.here.origin)?).await?;
        assert!(page.text.contains("Give The app spa access?"), "{more}: {}", page.text);
        let ago_s = "select extract(epoch from now() - proved_at)::bigint from session
            where factors = 8 order by session desc limit 1";
        let ago_s: i64 = world.ask(ago_s).await?;
        assert!((3_590..3_900).contains(&ago_s), "{more}: {ago_s}");
    }
    Ok(())
}
