//! A change of accounts, approvals, sessions, clients or keys and its row in the record are kept together, or not at all.
//! Here no row can be written: then nothing may have changed, and once rows can be written all goes on.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use auth::Register;
use it::ledger::binary;
use it::{Answer, App, Database, Form, PASSWORD, Signed, Signer, Visitor};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};

/// Rows that say what was done, not those of reads, which have their own writer.
const REFUSE: &str = "create function refuse_row() returns trigger language plpgsql as
        $$ begin raise exception 'no row today'; end $$;
    create trigger refuse_row before insert on audit for each row when (new.action > 5)
        execute function refuse_row();";
const TAKE: &str = "drop trigger refuse_row on audit; drop function refuse_row();";

struct World {
    signed: Signed,
    owner: PgConnection,
}

impl World {
    async fn start() -> Result<Self> {
        let signed = Signed::start_with(|settings| {
            settings.auth.registration.by = Register::Open;
        })
        .await?;
        let owner = signed.server.database.connect().await?;
        Ok(Self { signed, owner })
    }

    async fn run(&mut self, statement: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.owner).await?;
        Ok(())
    }

    /// All that a statement would change, as text.
    async fn state(&mut self) -> Result<String> {
        state(&mut self.owner).await
    }

    fn app(&self) -> App {
        self.signed.spa("offline_access patient/Patient.rs")
    }

    /// Sends a form while no row can be written, and again when one can.
    async fn twice(&mut self, visitor: &mut Visitor, form: &Form) -> Result<it::Page> {
        let before = self.state().await?;
        self.run(REFUSE).await?;
        let answer = visitor.clone().submit(form).await?;
        self.run(TAKE).await?;
        assert!(answer.status >= 500, "{} {answer:?}", form.action);
        assert_eq!(self.state().await?, before, "{}", form.action);
        let answer = visitor.submit(form).await?;
        assert!(answer.status < 400, "{} {answer:?}", form.action);
        assert_ne!(self.state().await?, before, "{}", form.action);
        Ok(answer)
    }

    /// The same with a form for a client's endpoint.
    async fn twice_asked(&mut self, path: &str, form: &[(&'static str, String)]) -> Result<Answer> {
        let url = format!("{}{path}", self.signed.origin);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let before = self.state().await?;
        self.run(REFUSE).await?;
        let answer = Answer::of(http.post(&url).form(form)).await?;
        self.run(TAKE).await?;
        assert!(answer.status >= 500, "{path} {}", answer.text);
        assert_eq!(self.state().await?, before, "{path}");
        let answer = Answer::of(http.post(&url).form(form)).await?;
        assert!(answer.status < 400, "{path} {}", answer.text);
        assert_ne!(self.state().await?, before, "{path}");
        Ok(answer)
    }
}

/// The tables that people, apps and keys are in. Times of mere looks and counts of tries are left out.
async fn state(owner: &mut PgConnection) -> Result<String> {
    let mut all = String::new();
    for part in [
        "select account::text, gen, roles, disabled_at from account",
        "select account, kind, password, sealed, subject from credential",
        "select session, account, factors, ends_at from session",
        "select approval, scopes, seq, revoked_at from approval",
        "select digest, used_at from code",
        "select client, secret, gen, disabled_at from client",
        "select account, patient, until from proxy",
        "select kid, signs_until from signing_key",
        "select number, kek, retired_at from data_key",
        "select kind, name, gen from auth_change",
    ] {
        let text = format!(
            "select coalesce(string_agg(t::text, ';' order by t::text), '') from ({part}) t"
        );
        let rows: String = sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&mut *owner).await?;
        all.push_str(&rows);
        all.push('\n');
    }
    Ok(all)
}

#[tokio::test]
async fn what_people_and_apps_do_is_kept_with_its_row_or_not_at_all() -> Result<()> {
    let mut world = World::start().await?;
    let app = world.app();
    let mut visitor = world.signed.visitor()?;
    // A log-in, what is given, the code, the refresh token.
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let page = world.twice(&mut visitor, &form).await?;
    let form = page.form("/auth/consent")?.with("decision", "allow");
    let page = world.twice(&mut visitor, &form).await?;
    let code = page.param("code").context("a code")?;
    let answer = world.twice_asked("/auth/token", &app.exchange(&code)).await?;
    let refresh = |token: String| {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token),
            ("client_id", "spa".to_owned()),
        ]
    };
    let token = answer.text_at("refresh_token");
    let answer = world.twice_asked("/auth/token", &refresh(token.clone())).await?;
    // A token that comes back ends all.
    world.run("update approval set rotated_at = rotated_at - interval '1 min'").await?;
    let before = world.state().await?;
    world.run(REFUSE).await?;
    assert!(app.ask(&refresh(token.clone())).await?.status >= 500);
    world.run(TAKE).await?;
    assert_eq!(world.state().await?, before);
    let newest = answer.text_at("refresh_token");
    let form = [("token", newest), ("client_id", "spa".to_owned())];
    world.twice_asked("/auth/revoke", &form).await?;
    // What was given is taken back; the person goes.
    let again = world.app();
    let page = visitor.open(&again.path()).await?;
    visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let page = visitor.open("/auth/manage").await?;
    world.twice(&mut visitor, &page.form("/auth/manage")?).await?;
    let page = visitor.open("/auth/manage").await?;
    world.twice(&mut visitor, &page.form("/auth/logout")?).await?;
    Ok(())
}

#[tokio::test]
async fn what_registers_is_kept_with_its_row_or_not_at_all() -> Result<()> {
    let mut world = World::start().await?;
    let url = format!("{}/auth/register", world.signed.origin);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let body = json!({
        "client_name": "A new app", "redirect_uris": ["https://new.example.org/cb"],
        "token_endpoint_auth_method": "none", "scope": "launch/patient patient/*.rs",
    });
    let before = world.state().await?;
    world.run(REFUSE).await?;
    assert!(Answer::of(http.post(&url).json(&body)).await?.status >= 500);
    world.run(TAKE).await?;
    assert_eq!(world.state().await?, before);
    assert_eq!(Answer::of(http.post(&url).json(&body)).await?.status, 201);
    Ok(())
}

/// The command, with a first line on its standard input; what it printed, and whether all went well.
fn run(database: &Database, config: &str, words: &[&str]) -> Result<(String, bool)> {
    let mut command = Command::new(binary()?);
    command.args(words).env("CAREBRIDGE_DATABASE_URL", &database.url);
    command.env("CAREBRIDGE_CONFIG", config).env("CAREBRIDGE_SEAL_KEY", it::SEAL_KEY);
    command.current_dir("/");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(b"other good words here\n")?;
    let output = child.wait_with_output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((String::from_utf8(text)?, output.status.success()))
}

#[tokio::test]
async fn what_an_operator_does_is_kept_with_its_row_or_not_at_all() -> Result<()> {
    let database = Database::create().await?;
    it::people(&database).await?;
    let signer = Signer::create()?;
    let config = signer.file.with_extension("toml");
    let key = signer.file.display().to_string();
    std::fs::write(
        &config,
        format!(
            "[auth]\nsigning_key = {key:?}\n[[auth.provider]]\nname = \"P\"\nissuer = \"https://id.example.org\"\nclient_id = \"c\"\nsecret = \"s\"\n"
        ),
    )?;
    let config = config.display().to_string();
    let mut owner = database.connect().await?;
    // The first keys are made by whoever comes first.
    for words in [&["keys", "rotate"][..], &["seal", "rotate"]] {
        let (text, well) = run(&database, &config, words)?;
        assert!(well, "{text}");
    }
    for words in [
        &[
            "account",
            "add",
            "jane",
            "--role",
            "proxy",
            "--fhir-user",
            "RelatedPerson/1",
            "--allow-absent",
        ][..],
        &["account", "password", "jane"],
        &["account", "disable", "jane"],
        &["account", "enable", "jane"],
        &["account", "role", "clara", "clinician", "care-coordinator"],
        &["account", "link", "jane", "--issuer", "https://id.example.org", "--subject", "7"],
        &["account", "unlink", "jane", "--issuer", "https://id.example.org"],
        &["proxy", "grant", "jane", "42", "--by", "clara"],
        &["proxy", "end", "jane", "42"],
        &["client", "add", "ward", "--scope", "system/Observation.rs"],
        &["client", "secret", "ward"],
        &["client", "disable", "ward"],
        &["client", "enable", "ward"],
        &["client", "delete", "ward"],
        &["keys", "rotate", "--at-once"],
        &["seal", "rotate"],
    ] {
        let before = state(&mut owner).await?;
        sqlx::raw_sql(REFUSE).execute(&mut owner).await?;
        let (text, well) = run(&database, &config, words)?;
        sqlx::raw_sql(TAKE).execute(&mut owner).await?;
        assert!(!well, "{words:?} {text}");
        assert_eq!(state(&mut owner).await?, before, "{words:?}");
        let rows = "select count(*) from audit where action = 13";
        let rows_before: i64 = sqlx::query_scalar(rows).fetch_one(&mut owner).await?;
        let (text, well) = run(&database, &config, words)?;
        assert!(well, "{words:?} {text}");
        assert_ne!(state(&mut owner).await?, before, "{words:?}");
        let rows_after: i64 = sqlx::query_scalar(rows).fetch_one(&mut owner).await?;
        assert!(rows_after > rows_before, "{words:?}");
    }
    Ok(())
}
