//! What is taken back is over on every server within five seconds: a token, an authorization, a session, an account's
//! rights. G67, G68.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use auth::{Password, Passwords};
use it::{Answer, App, Client, Database, Fixture, PASSWORD, Signed, Signer, apps};
use store::AccountChange;

const MAX: Duration = Duration::from_secs(5);

/// Two servers of one database: the second, reached by its own client.
async fn two(signer: &Signer) -> Result<(Signed, Fixture)> {
    let key = signer.file.clone();
    let world =
        Signed::start_with(|settings| settings.auth.signing_key = Some(key.clone())).await?;
    let (origin, url) = (world.origin.clone(), world.server.database.url.clone());
    let other = Fixture::on(Database { url }, |settings| {
        settings.clients.extend(apps());
        settings.auth.signing_key = Some(key);
        // Both are one server to the outside.
        settings.base_url = Some(origin);
    })
    .await?;
    Ok((world, other))
}

/// The same client at the other server.
fn at(client: &Client, base: &str) -> Client {
    let mut client = client.clone();
    client.base = base.to_owned();
    client
}

async fn revoke(app: &App, token: &str) -> Result<Answer> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let form = [("token", token), ("client_id", app.id.as_str())];
    Answer::of(http.post(format!("{}/auth/revoke", app.origin)).form(&form)).await
}

#[tokio::test]
async fn what_is_taken_back_is_over_on_every_server() -> Result<()> {
    let signer = Signer::create()?;
    let (world, other) = two(&signer).await?;
    let there = format!("http://{}/fhir", other.address()?);
    let app = world.spa("offline_access patient/Patient.rs");
    for what in ["access", "refresh", "session", "roles", "password", "disabled"] {
        let online = App { scope: "online_access patient/Patient.rs".into(), ..app.clone() };
        let app = if what == "session" { online } else { app.clone() };
        let mut visitor = world.visitor()?;
        let page = app.agree(&mut visitor, "anna", PASSWORD, None).await?;
        let answer = app.token(&page).await?;
        let (access, refresh) = (answer.text_at("access_token"), answer.text_at("refresh_token"));
        let here = world.server.client.bearing(access.clone());
        let both = [here.clone(), at(&here, &there)];
        for client in &both {
            let answer = client.get("/Patient/anna").await?;
            ensure!(answer.status == 200, "{what}: {}", answer.text);
        }
        match what {
            "access" => ensure!(revoke(&app, &access).await?.status == 200),
            "refresh" => ensure!(revoke(&app, &refresh).await?.status == 200),
            "session" => {
                let page = visitor.open(&app.path()).await?;
                visitor.submit(&page.form("/auth/logout")?).await?;
            }
            "roles" => {
                let roles = ["patient".to_owned()];
                world.store.change_account("anna", AccountChange::Roles(&roles, &[])).await?;
            }
            "password" => {
                let kept = Passwords::new()?.hash(Password::new(PASSWORD.into())).await?;
                world.store.change_account("anna", AccountChange::Password(&kept)).await?;
            }
            _ => drop(world.store.change_account("anna", AccountChange::Disable).await?),
        }
        let begun = Instant::now();
        for client in &both {
            while client.get("/Patient/anna").await?.status != 401 {
                ensure!(begun.elapsed() < MAX, "{what} is not over after {MAX:?}");
            }
        }
        // Who may go on has what holds now; who may not has nothing.
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh),
            ("client_id", app.id.clone()),
        ];
        let goes_on = matches!(what, "access" | "roles");
        let again = app.ask(&form).await?;
        assert_eq!(again.status == 200, goes_on, "{what}: {}", again.text);
        if goes_on {
            for base in [&here.base, &there] {
                let client = at(&here.bearing(again.text_at("access_token")), base);
                assert_eq!(client.get("/Patient/anna").await?.status, 200, "{what}");
            }
        }
    }
    Ok(())
}

/// What was revoked before a server started is over there too.
#[tokio::test]
async fn who_starts_later_knows_what_was_over_before() -> Result<()> {
    let signer = Signer::create()?;
    let key = signer.file.clone();
    let world =
        Signed::start_with(|settings| settings.auth.signing_key = Some(key.clone())).await?;
    let app = world.spa("patient/Patient.rs");
    let client = world.given(&app, "anna", None).await?;
    world.store.change_account("anna", AccountChange::Disable).await?;
    let mut owner = world.server.database.connect().await?;
    sqlx::query("update auth_change set at = at - interval '2 h'").execute(&mut owner).await?;
    let (origin, url) = (world.origin.clone(), world.server.database.url.clone());
    let late = Fixture::on(Database { url }, |settings| {
        settings.clients.extend(apps());
        settings.auth.signing_key = Some(key);
        settings.base_url = Some(origin);
    })
    .await?;
    let there = at(&client, &format!("http://{}/fhir", late.address()?));
    assert_eq!(there.get("/Patient/anna").await?.status, 401);
    Ok(())
}

/// A server that stood still for long hears of all that was taken back meanwhile, by the database's clock.
#[tokio::test]
async fn who_stood_still_hears_what_was_missed() -> Result<()> {
    let world = Signed::start().await?;
    let (_, since) = world.store.changes(None).await?;
    world.store.change_account("anna", AccountChange::Disable).await?;
    let mut owner = world.server.database.connect().await?;
    // Ten minutes ago it was asked last, and eight ago told.
    sqlx::query("update auth_change set at = at - interval '8 min'").execute(&mut owner).await?;
    for (minutes, heard) in [(10, true), (0, false)] {
        let since = since - chrono::Duration::minutes(minutes);
        let (told, asked_at) = world.store.changes(Some(since)).await?;
        assert_eq!(!told.is_empty(), heard, "{minutes}");
        assert!(asked_at > since);
    }
    Ok(())
}

/// A stranger's token, a token of another client and what is no token are all the same to who asks: nothing happens.
#[tokio::test]
async fn nobody_ends_the_token_of_another() -> Result<()> {
    let world = Signed::start().await?;
    let scope = "offline_access patient/Patient.rs";
    let owner = world.server_app(scope);
    let page = owner.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    let answer = owner.token(&page).await?;
    let other = world.spa(scope);
    for token in [answer.text_at("access_token"), answer.text_at("refresh_token"), "x".into()] {
        let said = revoke(&other, &token).await?;
        assert_eq!((said.status, said.text.as_str()), (200, ""));
    }
    let mut database = world.server.database.connect().await?;
    let told: i64 =
        sqlx::query_scalar("select count(*) from auth_change").fetch_one(&mut database).await?;
    assert_eq!(told, 0);
    Ok(())
}
