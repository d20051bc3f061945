//! Who guesses passwords: at one account, at many, from one place or from many; and that nobody is kept out by it who
//! comes from where they are known, or has a second factor.

use std::time::Duration;

use anyhow::{Context, Result};
use it::{PASSWORD, Page, Signed, Visitor};
use sqlx::AssertSqlSafe;
use telemetry::Clock;

use crate::factor::{code, within};

/// Where people come from.
const CLINIC: &str = "198.51.100.7";
const HOME: &str = "203.0.113.9";
const STRANGER: &str = "192.0.2.66";

struct World {
    signed: Signed,
    clock: Clock,
}

impl World {
    async fn start(log_in_failures: u32) -> Result<Self> {
        let clock = Clock::manual(Clock::system().now());
        let signed = Signed::start_with(|settings| {
            settings.clock = clock.clone();
            settings.throttle.log_in_failures = log_in_failures;
            settings.http.trusted_proxies =
                vec!["127.0.0.1".parse().unwrap_or_else(|_| panic!("an address"))];
        })
        .await?;
        Ok(Self { signed, clock })
    }

    /// Somebody tries at our own page; the answer, and the browser it is in.
    async fn try_in(&self, from: &str, login: &str, password: &str) -> Result<(Page, Visitor)> {
        let mut visitor = self.signed.visitor()?;
        visitor.from = Some(from.to_owned());
        let page = visitor.open("/auth/manage").await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", password);
        let page = visitor.submit(&form).await?;
        Ok((page, visitor))
    }

    async fn status(&self, from: &str, login: &str, password: &str) -> Result<u16> {
        Ok(self.try_in(from, login, password).await?.0.status)
    }

    async fn run(&self, statement: &str) -> Result<()> {
        let mut owner = self.signed.server.database.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
        Ok(())
    }

    /// Brings an account as near to its lock as strangers do by nine wrong passwords, and makes it ten.
    async fn lock(&self, login: &str) -> Result<()> {
        self.run(&format!("update account set failures = 9 where login = '{login}'")).await?;
        assert_eq!(self.status(STRANGER, login, "a wrong password").await?, 403);
        Ok(())
    }
}

#[tokio::test]
async fn who_guesses_at_many_accounts_has_to_wait_and_others_have_not() -> Result<()> {
    let world = World::start(3).await?;
    // Bert has signed in from the clinic, Anna from elsewhere.
    assert_eq!(world.status(CLINIC, "bert", PASSWORD).await?, 200);
    assert_eq!(world.status(HOME, "anna", PASSWORD).await?, 200);
    for login in ["clara", "nemo", "nobody"] {
        assert_eq!(world.status(CLINIC, login, "a wrong password").await?, 403, "{login}");
    }
    for (from, login, password, status) in [
        (CLINIC, "anna", "a wrong password", 429),
        (CLINIC, "anna", PASSWORD, 429),
        (CLINIC, "nobody", PASSWORD, 429),
        (CLINIC, "bert", PASSWORD, 200),
        // Who is known there is not told from who is not.
        (CLINIC, "bert", "a wrong password", 429),
        (HOME, "anna", PASSWORD, 200),
        (HOME, "clara", PASSWORD, 200),
    ] {
        let (page, _) = world.try_in(from, login, password).await?;
        assert_eq!(page.status, status, "{from} {login} {password}");
        if status == 429 {
            assert!(page.text.contains("Too many wrong tries from here."), "{}", page.text);
        }
    }
    world.clock.advance(Duration::from_secs(900));
    assert_eq!(world.status(CLINIC, "anna", PASSWORD).await?, 200, "a quarter of an hour later");
    Ok(())
}

/// The neighbours of an address of version 6 are the same house.
#[tokio::test]
async fn a_network_of_version_6_is_one_place() -> Result<()> {
    let world = World::start(2).await?;
    for n in 1..=2 {
        let from = format!("2001:db8:1:2::{n}");
        assert_eq!(world.status(&from, "clara", "a wrong password").await?, 403);
    }
    assert_eq!(world.status("2001:db8:1:2:ffff::9", "anna", PASSWORD).await?, 429);
    assert_eq!(world.status("2001:db8:1:3::9", "anna", PASSWORD).await?, 200);
    Ok(())
}

#[tokio::test]
async fn strangers_lock_an_account_for_strangers_alone() -> Result<()> {
    let world = World::start(0).await?;
    assert_eq!(world.status(CLINIC, "clara", PASSWORD).await?, 200);
    world.lock("clara").await?;
    assert_eq!(world.status(STRANGER, "clara", PASSWORD).await?, 403, "it is locked");
    assert_eq!(world.status(HOME, "clara", PASSWORD).await?, 403, "for whoever is strange");
    assert_eq!(world.status(CLINIC, "clara", PASSWORD).await?, 200, "where it is known it is not");
    assert_eq!(
        world.status(STRANGER, "clara", PASSWORD).await?,
        403,
        "that opens it to nobody else"
    );
    // Guesses from where it is known have ten tries of their own.
    world.run("update known_place set failures = 9").await?;
    assert_eq!(world.status(CLINIC, "clara", "a wrong password").await?, 403);
    assert_eq!(world.status(CLINIC, "clara", PASSWORD).await?, 403, "locked there too");
    world.run("update known_place set locked_until = now()").await?;
    assert_eq!(world.status(CLINIC, "clara", PASSWORD).await?, 200);
    // A place is forgotten, and another password makes all strange.
    world.run("update known_place set seen_at = now() - interval '91 days'").await?;
    assert_eq!(world.status(CLINIC, "clara", PASSWORD).await?, 403);
    let mut owner = world.signed.server.database.connect().await?;
    let text: String = sqlx::query_scalar("select string_agg(k::text, ' ') from known_place k")
        .fetch_one(&mut owner)
        .await?;
    assert!(!text.contains("198.51.100"), "{text}");
    Ok(())
}

/// With a second factor the password opens nothing, so wrong ones of strangers lock nothing; wrong codes do.
#[tokio::test]
async fn whoever_has_a_second_factor_gets_in_from_anywhere() -> Result<()> {
    let world = World::start(0).await?;
    let (_, mut visitor) = world.try_in(CLINIC, "clara", PASSWORD).await?;
    let page = visitor.open("/auth/device").await?;
    let secret = within(&page.text, "<code>").context("a secret")?;
    let shown = code(&secret, world.clock.seconds())?;
    let page = visitor.submit(&page.form("/auth/device")?.with("code", &shown)).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    world.lock("clara").await?;
    // The clock of a device goes on with the server's.
    world.clock.advance(Duration::from_secs(60));
    let (page, mut visitor) = world.try_in(HOME, "clara", PASSWORD).await?;
    let form = page.form("/auth/factor").context("it asks for the code")?;
    let wrong = visitor.submit(&form.clone().with("code", "000000")).await?;
    assert_eq!(wrong.status, 403);
    let shown = code(&secret, world.clock.seconds())?;
    let page = visitor.submit(&form.with("code", &shown)).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Sign out"), "{}", page.text);
    // Who knows the password and not the code has ten tries.
    world.run("update credential set failures = 9 where kind = 1").await?;
    let (page, mut visitor) = world.try_in(STRANGER, "clara", PASSWORD).await?;
    let form = page.form("/auth/factor")?;
    assert_eq!(visitor.submit(&form.clone().with("code", "000000")).await?.status, 403);
    world.clock.advance(Duration::from_secs(60));
    let shown = code(&secret, world.clock.seconds())?;
    assert_eq!(visitor.submit(&form.with("code", &shown)).await?.status, 403, "locked");
    Ok(())
}
