//! Accounts: who may try, how often, and what ends when one changes. The command that keeps them.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use auth::{AccountForm, Password, Passwords, Signed, demo_account, sign_in};
use canonical_model::Kind;
use futures::future::join_all;
use it::ledger::binary;
use it::{Database, Fixture};
use sqlx::{AssertSqlSafe, PgConnection};
use store::{AccountChange, AuthStore};

const RIGHT: &str = "four good words here";

struct World {
    database: Database,
    store: AuthStore,
    passwords: Passwords,
}

impl World {
    async fn new() -> Result<Self> {
        let database = Database::create().await?;
        let store = AuthStore::connect(&database.url).await?;
        let world = Self { database, store, passwords: Passwords::new()? };
        let form = AccountForm {
            login: "Jane".into(),
            fhir_user: Some("Practitioner/1".into()),
            roles: vec!["clinician".into()],
            orgs: vec!["a".into()],
        };
        form.create(&world.store, &world.passwords, Password::new(RIGHT.into())).await?;
        Ok(world)
    }

    /// Tries to sign in, in the browser of this number.
    async fn try_in(&self, login: &str, password: &str, browser: u8) -> Result<Option<Signed>> {
        let password = Password::new(password.to_owned());
        Ok(sign_in(&self.store, &self.passwords, login, password, &[browser; 32]).await?)
    }

    async fn is_in(&self, browser: u8) -> Result<bool> {
        Ok(self.store.session(&[browser; 32]).await?.is_some())
    }

    /// Lets time pass for what the database keeps.
    async fn run(&self, statement: &str) -> Result<()> {
        let mut owner: PgConnection = self.database.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
        Ok(())
    }

    async fn ask<T>(&self, question: &str) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let mut owner = self.database.connect().await?;
        let query = sqlx::query_scalar(AssertSqlSafe(question.to_owned()));
        Ok(query.fetch_one(&mut owner).await?)
    }
}

#[tokio::test]
async fn who_knows_the_password_is_in_and_nobody_else() -> Result<()> {
    let world = World::new().await?;
    for (login, password, into) in [
        ("jane", RIGHT, true),
        (" JANE ", RIGHT, true),
        ("jane", "four good words", false),
        ("jane", "", false),
        ("john", RIGHT, false),
        ("jane' or 'a'='a", RIGHT, false),
        ("", "", false),
    ] {
        let signed = world.try_in(login, password, u8::from(into)).await?;
        assert_eq!(signed.is_some(), into, "{login} {password}");
        world.run("delete from session").await?;
    }
    let failures: i32 = world.ask("select failures from account").await?;
    assert_eq!(failures, 2, "who got in begins anew");
    let kept: String = world.ask("select password from credential").await?;
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
    Ok(())
}

#[tokio::test]
async fn ten_wrong_passwords_lock_for_a_while_that_doubles() -> Result<()> {
    let world = World::new().await?;
    for n in 0..10 {
        assert!(world.try_in("jane", "wrong words", n).await?.is_none());
    }
    assert!(world.try_in("jane", RIGHT, 11).await?.is_none(), "the right one is too late");
    let minutes = "select (extract(epoch from locked_until - now()) / 60)::float8 from account";
    let first: f64 = world.ask(minutes).await?;
    assert!((14.0..=15.0).contains(&first), "{first}");
    // 30 minutes, an hour, …, a day, and no more.
    for expected in [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1_440.0, 1_440.0] {
        world.run("update account set locked_until = now()").await?;
        assert!(world.try_in("jane", "wrong words", 12).await?.is_none());
        let now: f64 = world.ask(minutes).await?;
        assert!((expected - 1.0..=expected).contains(&now), "{now} for {expected}");
    }
    world.run("update account set locked_until = now()").await?;
    assert!(world.try_in("jane", RIGHT, 13).await?.is_some(), "the time is over");
    let failures: i32 = world.ask("select failures from account").await?;
    assert_eq!(failures, 0);
    Ok(())
}

/// However many come at once, ten are looked at.
#[tokio::test]
async fn guesses_side_by_side_are_counted_one_by_one() -> Result<()> {
    let world = World::new().await?;
    let tries = join_all((0..50).map(|_| world.store.attempt("jane"))).await;
    let mut looked_at = 0;
    for attempt in tries {
        looked_at += usize::from(attempt?.is_some());
    }
    assert_eq!(looked_at, 10);
    Ok(())
}

#[tokio::test]
async fn a_session_ends_by_time_by_word_and_with_what_it_rests_on() -> Result<()> {
    let world = World::new().await?;
    for (what, end) in [
        ("a day", "update session set made_at = now() - interval '25 h', ends_at = now()"),
        ("idle", "update session set seen_at = now() - interval '8 h 1 s'"),
        ("disabled", "update account set disabled_at = now()"),
    ] {
        world.run("update account set disabled_at = null; delete from session").await?;
        assert!(world.try_in("jane", RIGHT, 1).await?.is_some());
        world.run("update session set seen_at = now() - interval '7 h 59 min'").await?;
        assert!(world.is_in(1).await?, "{what}: in time");
        world.run(end).await?;
        assert!(!world.is_in(1).await?, "{what}");
    }
    world.run("update account set disabled_at = null; delete from session").await?;
    let signed = world.try_in("jane", RIGHT, 2).await?.context("signed in")?;
    assert!(!world.is_in(1).await?, "another cookie");
    world.store.end_session(signed.session).await?;
    assert!(!world.is_in(2).await?, "signed out");
    Ok(())
}

#[tokio::test]
async fn a_change_raises_the_generation_and_tells_all_servers() -> Result<()> {
    let world = World::new().await?;
    let (roles, orgs) = (["auditor".to_owned()], []);
    let kept = world.passwords.hash(Password::new("other good words".into())).await?;
    for (n, (change, ends)) in [
        (AccountChange::Roles(&roles, &orgs), false),
        (AccountChange::Password(&kept), true),
        (AccountChange::Disable, true),
        (AccountChange::Enable, true),
    ]
    .into_iter()
    .enumerate()
    {
        world
            .run(
                "delete from session; insert into session (digest, account, factors, ends_at)
            select sha256('x'), account, 1, now() + interval '1 h' from account",
            )
            .await?;
        let changed = world.store.change_account("jane", change).await?;
        assert_eq!(changed.generation, i32::try_from(n)? + 1);
        let told: bool = world
            .ask(
                "select exists (select from auth_change c join account a on a.sub = c.name
                where c.kind = 3 and c.gen = a.gen and c.until > now() + interval '4 h 1 min')",
            )
            .await?;
        assert!(told, "{change:?}");
        let left: i64 = world.ask("select count(*) from session").await?;
        assert_eq!(left == 0, ends, "{change:?}");
    }
    assert!(world.try_in("jane", RIGHT, 1).await?.is_none(), "the password of before");
    assert!(world.try_in("jane", "other good words", 1).await?.is_some());
    let unknown = world.store.change_account("john", AccountChange::Disable).await.unwrap_err();
    assert_eq!(unknown.kind, Kind::NotFound);
    Ok(())
}

/// The password is changed between its look-up and the session.
#[tokio::test]
async fn a_change_in_between_keeps_the_old_password_out() -> Result<()> {
    let world = World::new().await?;
    let attempt = world.store.attempt("jane").await?.context("let in")?;
    world.store.change_account("jane", AccountChange::Enable).await?;
    let new = store::NewSession {
        digest: &[1; 32],
        account: attempt.account,
        generation: attempt.generation,
        factors: 1,
        place: None,
        known: false,
    };
    assert_eq!(world.store.begin_session(&new).await?, None);
    Ok(())
}

/// The command, with a first line on its standard input; what it printed, and whether all went well.
fn run(database: &Database, words: &[&str], typed: &str) -> Result<(String, bool)> {
    let mut command = Command::new(binary()?);
    command.args(words).env("CAREBRIDGE_DATABASE_URL", &database.url).current_dir("/");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(typed.as_bytes())?;
    let output = child.wait_with_output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((String::from_utf8(text)?, output.status.success()))
}

#[tokio::test]
async fn the_command_makes_changes_and_lists_accounts_and_leaves_a_record() -> Result<()> {
    let database = Database::create().await?;
    let server = Fixture::on(database.clone(), |_| ()).await?;
    for id in ["1", "gone"] {
        let body = format!(r#"{{"resourceType":"Practitioner","id":"{id}"}}"#);
        let put = server.client.send("PUT", &format!("/Practitioner/{id}"), &body).await?;
        ensure!(put.status == 201, "{}", put.text);
    }
    server.client.send("DELETE", "/Practitioner/gone", "").await?;
    let of = |person: &'static str| {
        ["account", "add", "x", "--role", "clinician", "--fhir-user", person]
    };
    let absent = [&of("Practitioner/9")[..], &["--allow-absent"]].concat();
    let add = ["account", "add", "Jane", "--role", "clinician", "--fhir-user", "Practitioner/1"];
    for (words, typed, good, said) in [
        (&add[..], "short\n", false, "10 characters"),
        (&add[..], "", false, "Standard input has no password"),
        (&add[..], "carebridge\n", false, "the demo's"),
        (&["account", "add", "x", "--role", "doctor"], "good enough words", false, "no role"),
        (&add[..], "four good words here\nand more", true, "jane "),
        (&add[..], "four good words here\n", false, "There is an account of this log-in"),
        (&of("Practitioner/9"), "four good words here\n", false, "There is no Practitioner/9 here"),
        (
            &of("Practitioner/gone"),
            "four good words here\n",
            false,
            "There is no Practitioner/gone",
        ),
        (&of("Device/1"), "four good words here\n", false, "not a reference to a person"),
        (&absent, "four good words here\n", true, "is Practitioner/9"),
        (&["account", "list"], "", true, "clinician, is Practitioner/1"),
        (&["account", "role", "jane", "auditor"], "", true, "auditor"),
        (&["account", "role", "jane", "patient"], "", false, "goes with an account"),
        (&["account", "password", "jane"], "other good words\n", true, "jane"),
        (&["account", "disable", "jane"], "", true, "(disabled)"),
        (&["account", "enable", "jane", "--json"], "", true, "\"disabled\":false"),
        (&["account", "forget-device", "jane"], "", true, "jane"),
        (&["account", "disable", "john"], "", false, "no account"),
        (&["account", "list", "--json"], "", true, "\"roles\":[\"auditor\"]"),
    ] {
        let (text, well) = run(&database, words, typed)?;
        assert_eq!(well, good, "{words:?}: {text}");
        assert!(text.contains(said), "{words:?}: {text}");
        assert!(!text.contains("good words") && !text.contains("argon2"), "{words:?}: {text}");
    }
    let mut owner = database.connect().await?;
    let recorded: Vec<String> =
        sqlx::query_scalar("select detail from audit where action = 13 order by audit_id")
            .fetch_all(&mut owner)
            .await?;
    let said: Vec<&str> = recorded.iter().filter_map(|line| line.split(": ").nth(1)).collect();
    let expected =
        ["added; roles", "added; roles", "roles changed; roles", "password changed; roles"];
    assert_eq!(
        said,
        [&expected[..], &["disabled; roles", "enabled; roles", "second factor removed; roles"]]
            .concat()
    );
    let store = AuthStore::connect(&database.url).await?;
    let signed = sign_in(
        &store,
        &Passwords::new()?,
        "jane",
        Password::new("other good words".into()),
        &[0; 32],
    )
    .await?;
    ensure!(signed.is_some(), "the account is as the command made it");
    Ok(())
}

#[tokio::test]
async fn demo_accounts_are_known_until_they_have_another_password() -> Result<()> {
    let world = World::new().await?;
    assert_eq!(demo_account(&world.store).await?, None);
    let form = AccountForm { login: "admin".into(), ..AccountForm::default() };
    form.create_demo(&world.store, &world.passwords).await?;
    assert_eq!(demo_account(&world.store).await?, Some("admin"));
    let kept = world.passwords.hash(Password::new(RIGHT.into())).await?;
    world.store.change_account("admin", AccountChange::Password(&kept)).await?;
    assert_eq!(demo_account(&world.store).await?, None);
    Ok(())
}
