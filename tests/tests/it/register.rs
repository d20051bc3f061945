//! Apps of the database: they register themselves, or an operator does; what they may have; and that who is disabled has
//! nothing more, on every server.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use auth::{Register, Secret, SecretHash};
use it::ledger::{binary, until};
use it::{Answer, App, Client, Database, Fixture, PASSWORD, Signed, Signer};
use serde_json::{Value, json};

const MAX: Duration = Duration::from_secs(5);
const TOKEN: &str = "a-token-that-lets-one-register";
const CALLBACK: &str = "https://new.example.org/cb";

async fn world(by: Register) -> Result<Signed> {
    Signed::start_with(|settings| settings.auth.registration.by = by).await
}

fn by_token() -> Result<Register> {
    Ok(Register::Token(vec![SecretHash::of(&Secret::new(TOKEN.into()))?]))
}

async fn register(origin: &str, body: &Value, bearer: Option<&str>) -> Result<Answer> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http.post(format!("{origin}/auth/register")).json(body);
    Answer::of(match bearer {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

fn public() -> Value {
    json!({
        "client_name": "A new app", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "scope": "openid launch/patient offline_access patient/*.cruds user/*.rs system/*.rs",
    })
}

#[tokio::test]
async fn an_app_registers_itself_and_people_are_told_so() -> Result<()> {
    let world = world(Register::Open).await?;
    let origin = &world.origin;
    let smart = world.server.client.anonymous().get("/.well-known/smart-configuration").await?;
    assert_eq!(smart.text_at("registration_endpoint"), format!("{origin}/auth/register"));
    let answer = register(origin, &public(), None).await?;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.text_at("scope"), "openid launch/patient offline_access patient/*.rs");
    assert_eq!(answer.at("client_secret"), None);
    let scope = "launch/patient patient/Patient.rs patient/Observation.cruds user/Patient.rs";
    let app = App::new(origin, &answer.text_at("client_id"), CALLBACK, scope);
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    assert!(page.text.contains("Nobody who runs this server has looked at this app"));
    let back = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let given = app.token(&back).await?;
    assert_eq!(given.text_at("scope"), "launch/patient patient/Patient.rs patient/Observation.rs");
    let client = world.server.client.bearing(given.text_at("access_token"));
    assert_eq!(client.get("/Patient/anna").await?.status, 200);
    assert_eq!(client.get("/Patient/bert").await?.status, 404);
    let page = visitor.open("/auth/manage").await?;
    assert!(page.text.contains("A new app"), "{}", page.text);
    // It is in the record.
    let mut owner = world.server.database.connect().await?;
    let said: Vec<String> = sqlx::query_scalar(
        "select detail from audit where action = 13 and status = 201 and client = $1",
    )
    .bind(&app.id)
    .fetch_all(&mut owner)
    .await?;
    assert!(matches!(said.as_slice(), [one] if one.contains("registered by itself")), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn a_secret_is_told_once_and_its_digest_kept() -> Result<()> {
    let world = world(by_token()?).await?;
    let origin = &world.origin;
    let body = json!({ "redirect_uris": [CALLBACK] });
    for (bearer, status) in [(None, 401), (Some("another"), 401), (Some(TOKEN), 201)] {
        let answer = register(origin, &body, bearer).await?;
        assert_eq!(answer.status, status, "{bearer:?}: {}", answer.text);
        assert_eq!(answer.header("www-authenticate").starts_with("Bearer"), status == 401);
    }
    let answer = register(origin, &body, Some(TOKEN)).await?;
    let (id, secret) = (answer.text_at("client_id"), answer.text_at("client_secret"));
    assert_eq!(answer.text_at("token_endpoint_auth_method"), "client_secret_basic");
    assert!(answer.text.contains("\"client_secret_expires_at\":0"), "{}", answer.text);
    let mut owner = world.server.database.connect().await?;
    let kept: String = sqlx::query_scalar("select client::text from client where client = $1")
        .bind(&id)
        .fetch_one(&mut owner)
        .await?;
    ensure!(!kept.contains(&secret) && secret.len() >= 43, "{kept}");
    let app = App::new(origin, &id, CALLBACK, "patient/Patient.rs");
    let app = App { secret: Some(secret), ..app };
    let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    let wrong = App { secret: Some("wrong".into()), ..app.clone() };
    assert_eq!(wrong.token(&page).await?.status, 401);
    let none = App { secret: None, ..app.clone() };
    assert_eq!(none.token(&page).await?.status, 401);
    assert_eq!(app.token(&page).await?.status, 200);
    // A program needs a scope that begins with `system/`, which apps that register have not here.
    let program = json!({ "grant_types": ["client_credentials"] });
    let refused = register(origin, &program, Some(TOKEN)).await?;
    assert_eq!(
        (refused.status, refused.text_at("error").as_str()),
        (400, "invalid_client_metadata"),
        "{}",
        refused.text
    );
    Ok(())
}

#[tokio::test]
async fn what_will_not_do_is_refused_and_leaves_nothing() -> Result<()> {
    let world = world(Register::Open).await?;
    let with = |name: &str, value: Value| {
        let mut body = public();
        body[name] = value;
        body
    };
    let key = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    let keyed = |more: Value| {
        let mut body = public();
        for part in [&key, &more] {
            for (name, value) in part.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
        }
        body
    };
    let private =
        json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "d": "AA" }] });
    for (body, word) in [
        (with("redirect_uris", json!(["http://new.example.org/cb"])), "invalid_redirect_uri"),
        (with("scope", json!("user/*.rs")), "invalid_client_metadata"),
        (keyed(json!({ "jwks": private })), "invalid_client_metadata"),
        (keyed(json!({ "jwks_uri": "http://new.example.org/keys" })), "invalid_client_metadata"),
        (keyed(json!({ "jwks_uri": "https://127.0.0.1/keys" })), "invalid_client_metadata"),
        (keyed(json!({ "jwks_uri": "https://169.254.169.254/keys" })), "invalid_client_metadata"),
        (with("software_statement", json!("x.y.z")), "unapproved_software_statement"),
    ] {
        let answer = register(&world.origin, &body, None).await?;
        assert_eq!((answer.status, answer.text_at("error").as_str()), (400, word), "{body}");
    }
    let answer = register(&world.origin, &public(), Some(TOKEN)).await?;
    assert_eq!(answer.status, 401, "no token is asked for here");
    let mut owner = world.server.database.connect().await?;
    let many: i64 = sqlx::query_scalar("select count(*) from client").fetch_one(&mut owner).await?;
    assert_eq!(many, 0);
    // Whoever goes on like this has to wait.
    let mut last = answer;
    for _ in 0..4 {
        last = register(&world.origin, &public(), None).await?;
    }
    assert_eq!(last.status, 429, "{}", last.text);
    assert!(last.header("retry-after").parse::<u32>().is_ok_and(|wait_s| wait_s <= 60));
    Ok(())
}

#[tokio::test]
async fn where_it_is_off_there_is_nothing() -> Result<()> {
    let world = world(Register::Off).await?;
    assert_eq!(register(&world.origin, &public(), None).await?.status, 404);
    let smart = world.server.client.anonymous().get("/.well-known/smart-configuration").await?;
    assert_eq!(smart.at("registration_endpoint"), None);
    Ok(())
}

/// The command, on a database.
fn carebridge(database: &Database, words: &[&str]) -> Result<(String, bool)> {
    let mut command = Command::new(binary()?);
    command.arg("client").args(words).env("CAREBRIDGE_DATABASE_URL", &database.url);
    let output = command.current_dir("/").stdin(Stdio::null()).output()?;
    let text = String::from_utf8([output.stdout, output.stderr].concat())?;
    Ok((text, output.status.success()))
}

async fn token(origin: &str, id: &str, secret: &str) -> Result<Answer> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let form = [("grant_type", "client_credentials")];
    let request = http.post(format!("{origin}/auth/token")).basic_auth(id, Some(secret));
    Answer::of(request.form(&form)).await
}

/// Whether a server knows a client: then it tells the client what is wrong with a request, and nobody else. Unlike a
/// token it may be asked for any number of times.
async fn knows(origin: &str, id: &str) -> bool {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let url = format!("{origin}/auth/authorize?client_id={id}&redirect_uri={CALLBACK}");
    match http.build().map(|http| http.get(url)) {
        Ok(request) => Answer::of(request).await.is_ok_and(|answer| answer.status == 303),
        Err(_) => false,
    }
}

/// Makes a client; its secret.
fn add_ward(database: &Database) -> Result<String> {
    let words = ["add", "ward", "--scope", "system/Patient.rs", "--redirect", CALLBACK, "--json"];
    let (text, well) = carebridge(database, &words)?;
    ensure!(well, "{text}");
    let made: Value = serde_json::from_str(&text)?;
    Ok(made["secret"].as_str().context("a secret")?.to_owned())
}

#[tokio::test]
async fn a_client_that_is_disabled_has_nothing_more_on_any_server() -> Result<()> {
    let signer = Signer::create()?;
    let key = signer.file.clone();
    let first = Fixture::start_with(|it| it.auth.signing_key = Some(key.clone())).await?;
    let (origin, url) = (first.origin()?.to_owned(), first.database.url.clone());
    let second = Fixture::on(Database { url }, |settings| {
        settings.auth.signing_key = Some(key);
        settings.base_url = Some(origin.clone());
    })
    .await?;
    let there = format!("http://{}", second.address()?);
    let both = [origin.as_str(), there.as_str()];
    let secret = add_ward(&first.database)?;
    let everywhere = async |token: &str, status: u16| {
        let mut same = true;
        for origin in both {
            let mut client: Client = first.client.bearing(token.to_owned());
            client.base = format!("{origin}/fhir");
            let answer = client.get("/Patient?name=x").await;
            same &= answer.is_ok_and(|answer| answer.status == status);
        }
        same
    };
    let before = token(&there, "ward", &secret).await?.text_at("access_token");
    ensure!(everywhere(&before, 200).await, "it is good before");
    for (word, goes_on) in [("disable", false), ("enable", true), ("delete", false)] {
        let (text, well) = carebridge(&first.database, &[word, "ward"])?;
        ensure!(well, "{word}: {text}");
        for origin in both {
            let told = async || knows(origin, "ward").await == goes_on;
            until("it is known who gets tokens", MAX, told).await?;
            let status = token(origin, "ward", &secret).await?.status;
            assert_eq!(status, if goes_on { 200 } else { 401 }, "{word}");
        }
        until("the tokens of before are over", MAX, async || everywhere(&before, 401).await)
            .await?;
        if goes_on {
            let again = token(&origin, "ward", &secret).await?.text_at("access_token");
            ensure!(everywhere(&again, 200).await, "{word}");
        }
    }
    // One of the same id does not make good what was over.
    let other = add_ward(&first.database)?;
    until("it is another", MAX, async || knows(&origin, "ward").await).await?;
    let again = token(&origin, "ward", &other).await?.text_at("access_token");
    ensure!(everywhere(&again, 200).await && everywhere(&before, 401).await);
    assert_eq!(token(&origin, "ward", &secret).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn the_command_adds_changes_and_lists_clients_and_leaves_a_record() -> Result<()> {
    let database = Database::create().await?;
    let app = ["add", "app", "--public", "--name", "An app", "--redirect", CALLBACK, "--scope"];
    let with = |scope| [&app[..], &[scope]].concat();
    for (words, good, said) in [
        (with("patient/Nothing.rs"), false, "its type is"),
        (vec!["add", "x", "--scope", "patient/*.rs", "--public"], false, "it needs redirects"),
        (vec!["add", "x y", "--scope", "patient/*.rs"], false, "1 to 64 characters"),
        (
            vec!["add", "x", "--scope", "patient/*.rs", "--jwks-url", "http://a.org/k"],
            false,
            "https",
        ),
        (with("patient/*.rs"), true, "An app, since"),
        (with("patient/*.rs"), false, "There is a client of this id"),
        (vec!["secret", "app"], false, "no secret"),
        (vec!["add", "ward", "--scope", "system/*.rs"], true, "shown this once"),
        (vec!["secret", "ward"], true, "shown this once"),
        (vec!["disable", "app"], true, "(disabled)"),
        (vec!["list"], true, "(disabled)"),
        (vec!["list", "--json"], true, "\"id\":\"ward\""),
        (vec!["enable", "app", "--json"], true, "\"disabled\":false"),
        (vec!["delete", "app"], true, "app"),
        (vec!["delete", "app"], false, "no client"),
    ] {
        let (text, well) = carebridge(&database, &words)?;
        assert_eq!(well, good, "{words:?}: {text}");
        assert!(text.contains(said), "{words:?}: {text}");
    }
    let mut owner = database.connect().await?;
    let said: Vec<String> =
        sqlx::query_scalar("select detail from audit where action = 13 order by audit_id")
            .fetch_all(&mut owner)
            .await?;
    let expected = ["app: added", "ward: added", "ward: secret changed", "app: disabled"];
    let expected = expected.into_iter().chain(["app: enabled", "app: deleted"]);
    assert_eq!(said, expected.map(|line| format!("client {line}")).collect::<Vec<_>>());
    Ok(())
}
