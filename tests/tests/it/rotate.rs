//! One key follows another on all servers: announced, by itself when it is due, at once when one is known to others; and
//! whoever is killed on the way leaves the keys as they were.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use it::ledger::{binary, until};
use it::{Answer, App, Client, Database, Fixture, PASSWORD, SEAL_KEY, Signed, Signer, apps};
use jsonwebtoken::decode_header;
use serde_json::Value;
use server::{SealKey, Settings};
use sqlx::AssertSqlSafe;

const MAX: Duration = Duration::from_secs(5);
const SCOPE: &str = "openid offline_access patient/Patient.rs";

/// Two servers of one database, and the settings that a command reaches it with.
struct World {
    first: Signed,
    second: Fixture,
    signer: Signer,
    config: PathBuf,
}

impl World {
    async fn start() -> Result<Self> {
        let signer = Signer::create()?;
        let key = signer.file.clone();
        let first = Signed::start_with(|it| it.auth.signing_key = Some(key.clone())).await?;
        let (origin, url) = (first.origin.clone(), first.server.database.url.clone());
        let second = Fixture::on(Database { url }, |settings| {
            settings.clients.extend(apps());
            settings.auth.signing_key = Some(key.clone());
            settings.base_url = Some(origin);
        })
        .await?;
        let config = key.with_extension("toml");
        std::fs::write(
            &config,
            format!("[auth]\nsigning_key = {:?}\n", key.display().to_string()),
        )?;
        let world = Self { first, second, signer, config };
        // The key of identity tokens is made when it is asked for first.
        world.published(0).await?;
        Ok(world)
    }

    fn origins(&self) -> Result<[String; 2]> {
        Ok([self.first.origin.clone(), format!("http://{}", self.second.address()?)])
    }

    /// Names of the keys that a server publishes for an algorithm.
    async fn kids(&self, server: usize, alg: &str) -> Result<Vec<String>> {
        let keys = self.published(server).await?;
        let of_alg = keys.iter().filter(|key| key["alg"] == alg);
        Ok(of_alg.filter_map(|key| key["kid"].as_str().map(str::to_owned)).collect())
    }

    async fn published(&self, server: usize) -> Result<Vec<Value>> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/auth/jwks", self.origins()?[server]);
        let answer = Answer::of(http.get(url)).await?;
        let mut body: Value = serde_json::from_str(&answer.text)?;
        Ok(serde_json::from_value(body["keys"].take())?)
    }

    /// What a person gives to an app, as the token endpoint answers.
    async fn given(&self) -> Result<(App, Answer)> {
        let app = self.first.spa(SCOPE);
        let page = app.agree(&mut self.first.visitor()?, "anna", PASSWORD, None).await?;
        let answer = app.token(&page).await?;
        ensure!(answer.status == 200, "{}", answer.text);
        Ok((app, answer))
    }

    /// A token of a program, from a server.
    async fn token(&self, server: usize) -> Result<String> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/auth/token", self.origins()?[server]);
        let form = [("grant_type", "client_credentials")];
        let request = http.post(url).basic_auth("dev-backend", Some("dev-secret")).form(&form);
        Ok(Answer::of(request).await?.text_at("access_token"))
    }

    /// What each server answers to a token.
    async fn answers(&self, token: &str) -> Result<[u16; 2]> {
        let mut statuses = [0; 2];
        for (status, origin) in statuses.iter_mut().zip(self.origins()?) {
            let mut client: Client = self.first.server.client.bearing(token.to_owned());
            client.base = format!("{origin}/fhir");
            *status = client.get("/Patient/anna").await?.status;
        }
        Ok(statuses)
    }

    async fn run(&self, statement: &str) -> Result<()> {
        let mut owner = self.first.server.database.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
        Ok(())
    }

    async fn ask(&self, question: &str) -> Result<i64> {
        let mut owner = self.first.server.database.connect().await?;
        let query = sqlx::query_scalar(AssertSqlSafe(question.to_owned()));
        Ok(query.fetch_one(&mut owner).await?)
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        let url = &self.first.server.database.url;
        command.arg("keys").args(words).env("CAREBRIDGE_DATABASE_URL", url);
        command.env("CAREBRIDGE_CONFIG", &self.config).current_dir("/");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    /// What the command printed, and whether all went well.
    fn carebridge(&self, words: &[&str]) -> Result<(String, bool)> {
        let output = self.command(words)?.output()?;
        let text = String::from_utf8([output.stdout, output.stderr].concat())?;
        Ok((text, output.status.success()))
    }

    /// Lets the time come at which the next keys sign.
    async fn pass_lead(&self) -> Result<()> {
        self.run(
            "update signing_key set signs_until = now() where signs_until > now();
            update signing_key set signs_from = now() where signs_from > now()",
        )
        .await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.config));
    }
}

fn kid(token: &str) -> Result<String> {
    decode_header(token)?.kid.context("a kid")
}

#[tokio::test]
async fn a_key_follows_another_and_tokens_go_on() -> Result<()> {
    let world = World::start().await?;
    let (app, given) = world.given().await?;
    let old = given.text_at("access_token");
    assert_eq!(kid(&old)?, world.signer.kid(), "the file's key is the first");
    assert_eq!(world.answers(&old).await?, [200, 200]);
    // Announced: both publish it, none signs with it.
    let (text, well) = world.carebridge(&["rotate"])?;
    ensure!(well, "{text}");
    for (server, alg) in [(0, "ES256"), (1, "ES256"), (0, "RS256"), (1, "RS256")] {
        let both = async || world.kids(server, alg).await.is_ok_and(|kids| kids.len() == 2);
        until("both are published", MAX, both).await?;
        assert_eq!(kid(&world.token(server).await?)?, world.signer.kid());
    }
    let (text, well) = world.carebridge(&["rotate"])?;
    ensure!(!well && text.contains("follows already"), "{text}");
    // It signs: on both, for both, while what was signed before goes on.
    world.pass_lead().await?;
    for server in [0, 1] {
        let signs = async || {
            let token = world.token(server).await.unwrap_or_default();
            kid(&token).is_ok_and(|kid| kid != world.signer.kid())
        };
        until("the next signs", MAX, signs).await?;
        assert_eq!(world.answers(&world.token(server).await?).await?, [200, 200]);
        assert_eq!(world.kids(server, "ES256").await?.len(), 2);
    }
    assert_eq!(world.answers(&old).await?, [200, 200]);
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", given.text_at("refresh_token")),
        ("client_id", app.id.clone()),
    ];
    let renewed = app.ask(&form).await?;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert_eq!(world.answers(&renewed.text_at("access_token")).await?, [200, 200]);
    let named = kid(&renewed.text_at("id_token"))?;
    assert_ne!(named, kid(&given.text_at("id_token"))?);
    assert!(world.kids(1, "RS256").await?.contains(&named));
    // Its last token has ended.
    world.run("update signing_key set published_until = now() where signs_until <= now()").await?;
    let over = async || world.answers(&old).await.is_ok_and(|answers| answers == [401, 401]);
    until("what the first signed is over", MAX, over).await?;
    for server in [0, 1] {
        assert_eq!(world.kids(server, "ES256").await?.len(), 1);
        assert_eq!(world.answers(&world.token(server).await?).await?, [200, 200]);
    }
    let said =
        "select count(*) from audit where action = 13 and detail like '%256 key % signs in 900 s'";
    assert_eq!(world.ask(said).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_due_is_followed_once_however_many_look() -> Result<()> {
    let world = World::start().await?;
    world.run("update signing_key set signs_from = signs_from - interval '91 days'").await?;
    let start = async || -> Result<Fixture> {
        let url = world.first.server.database.url.clone();
        let file = world.signer.file.clone();
        Fixture::on(Database { url }, |settings| settings.auth.signing_key = Some(file)).await
    };
    let [one, two, three] = [start().await?, start().await?, start().await?];
    let followed = async || {
        let question = "select count(*) from signing_key where signs_from > now()";
        world.ask(question).await.is_ok_and(|many| many == 2)
    };
    until("one of each kind follows", MAX, followed).await?;
    drop([one, two, three]);
    // Nor does one that starts later have another follow.
    let mut late = start().await?;
    late.stop().await;
    assert!(followed().await);
    let retired = "select count(*) from signing_key where signs_until > now() and published_until > signs_until + interval '4 h'";
    assert_eq!(world.ask(retired).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_key_that_others_know_is_withdrawn_at_once() -> Result<()> {
    let world = World::start().await?;
    let (_, given) = world.given().await?;
    let known = given.text_at("access_token");
    assert_eq!(world.answers(&known).await?, [200, 200]);
    let (text, well) = world.carebridge(&["rotate", "--at-once", "--json"])?;
    ensure!(well && text.contains("\"signs\":true"), "{text}");
    let over = async || world.answers(&known).await.is_ok_and(|answers| answers == [401, 401]);
    until("all that it signed is over", MAX, over).await?;
    for server in [0, 1] {
        assert_eq!(world.answers(&world.token(server).await?).await?, [200, 200]);
        assert!(!world.kids(server, "ES256").await?.contains(&world.signer.kid().to_owned()));
    }
    assert_eq!(world.ask("select count(*) from signing_key where private = ''").await?, 2);
    let (text, well) = world.carebridge(&["list", "--all"])?;
    ensure!(well && text.contains(world.signer.kid()), "{text}");
    Ok(())
}

/// Between the end of one key and the beginning of the next.
#[tokio::test]
async fn who_is_killed_on_the_way_leaves_the_keys_as_they_were() -> Result<()> {
    let world = World::start().await?;
    world
        .run(
            "create function wait_for_test() returns trigger language plpgsql as
                $$ begin perform pg_advisory_xact_lock(77); return new; end $$;
            grant execute on function wait_for_test to carebridge_auth;
            create trigger waits before insert on signing_key for each row
                when (new.signs_from > now()) execute function wait_for_test()",
        )
        .await?;
    let mut owner = world.first.server.database.connect().await?;
    sqlx::query("select pg_advisory_lock(77)").execute(&mut owner).await?;
    let mut child = world.command(&["rotate"])?.spawn()?;
    let waits = async || {
        let question = "select count(*) from pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())";
        world.ask(question).await.is_ok_and(|many| many == 1)
    };
    until("it is in the middle", Duration::from_secs(30), waits).await?;
    child.kill()?;
    child.wait()?;
    sqlx::query("select pg_advisory_unlock(77)").execute(&mut owner).await?;
    // Waits for the end of what was begun.
    world.run("drop trigger waits on signing_key").await?;
    let as_before =
        "select count(*) from signing_key where signs_until is null and signs_from <= now()";
    assert_eq!(world.ask(as_before).await?, 2);
    assert_eq!(world.ask("select count(*) from signing_key").await?, 2);
    for server in [0, 1] {
        assert_eq!(kid(&world.token(server).await?)?, world.signer.kid());
    }
    let (text, well) = world.carebridge(&["rotate"])?;
    ensure!(well, "{text}");
    assert_eq!(world.ask("select count(*) from signing_key").await?, 4);
    Ok(())
}

/// It would sign what no other server knows.
#[tokio::test]
async fn a_server_that_cannot_open_the_keys_does_not_start() -> Result<()> {
    let world = World::start().await?;
    let url = world.first.server.database.url.clone();
    let stranger = Signer::create()?;
    let file = stranger.file.clone();
    let started = Fixture::on(Database { url }, |it| it.auth.signing_key = Some(file)).await;
    let refused = format!("{:#}", started.err().context("it does not start")?);
    assert!(refused.contains("keys that sign do not open"), "{refused}");
    Ok(())
}

/// Where servers share a sealing key, they need no file beside it.
#[tokio::test]
async fn servers_with_one_sealing_key_have_one_key_that_signs() -> Result<()> {
    let signed_by = async |server: &Fixture| -> Result<(String, String)> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{}/auth/token", server.address()?);
        let form = [("grant_type", "client_credentials")];
        let request = http.post(url).basic_auth("dev-backend", Some("dev-secret")).form(&form);
        let token = Answer::of(request).await?.text_at("access_token");
        Ok((kid(&token)?, token))
    };
    let key: SealKey = SEAL_KEY.parse()?;
    let sealed = |settings: &mut Settings| settings.seal.key = Some(key.clone());
    let first = Fixture::start_with(sealed).await?;
    let (origin, url) = (first.origin()?.to_owned(), first.database.url.clone());
    let second = Fixture::on(Database { url }, |settings| {
        sealed(settings);
        settings.base_url = Some(origin);
    })
    .await?;
    let ((one, _), (two, token)) = (signed_by(&first).await?, signed_by(&second).await?);
    assert_eq!(one, two);
    let there = first.client.bearing(token).get("/Patient?name=x").await?;
    assert_eq!(there.status, 200, "{}", there.text);
    Ok(())
}

/// What signs no more is kept without its private half, and a server that starts then verifies by the public one.
#[tokio::test]
async fn private_halves_are_forgotten_when_they_sign_no_more() -> Result<()> {
    let world = World::start().await?;
    let old = world.token(0).await?;
    let (text, well) = world.carebridge(&["rotate"])?;
    ensure!(well, "{text}");
    world
        .run(
            "update signing_key set signs_from = now() - interval '3 h', signs_until = now() - interval '2 h'
                where signs_until > now();
            update signing_key set signs_from = now() - interval '2 h' where signs_from > now()",
        )
        .await?;
    world.first.store.sweep().await?;
    let forgotten =
        "select count(*) from signing_key where private = '' and published_until > now()";
    assert_eq!(world.ask(forgotten).await?, 2);
    assert_eq!(world.ask("select count(*) from signing_key where private <> ''").await?, 2);
    let (file, origin) = (world.signer.file.clone(), world.first.origin.clone());
    let url = world.first.server.database.url.clone();
    let late = Fixture::on(Database { url }, |settings| {
        settings.auth.signing_key = Some(file);
        settings.base_url = Some(origin);
    })
    .await?;
    let mut client = late.client.bearing(old);
    client.base = format!("http://{}/fhir", late.address()?);
    assert_eq!(client.get("/Patient/anna").await?.status, 200);
    Ok(())
}
