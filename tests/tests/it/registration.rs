//! An app keeps its own registration (RFC 7592): looks at it, changes it, goes. By the token that it got for that, and of
//! no other app.

use std::time::Duration;

use anyhow::Result;
use auth::{ClientForm, FormProof, Register};
use it::ledger::until;
use it::{Answer, App, PASSWORD, Signed};
use reqwest::Method;
use serde_json::{Value, json};
use store::RegisteredBy;

const CALLBACK: &str = "https://new.example.org/cb";

/// An app as it was told.
struct Own {
    http: reqwest::Client,
    told: Answer,
    token: String,
    url: String,
}

impl Own {
    async fn register(origin: &str, body: &Value) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let told = Answer::of(http.post(format!("{origin}/auth/register")).json(body)).await?;
        assert_eq!(told.status, 201, "{}", told.text);
        let token = told.text_at("registration_access_token");
        let url = told.text_at("registration_client_uri");
        assert_eq!(url, format!("{origin}/auth/register/{}", told.text_at("client_id")));
        Ok(Self { http, told, token, url })
    }

    fn id(&self) -> String {
        self.told.text_at("client_id")
    }

    async fn ask(&self, method: Method, token: &str, body: Option<&Value>) -> Result<Answer> {
        let request = self.http.request(method, &self.url).bearer_auth(token);
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// What it says of itself, with other members.
    fn saying(&self, members: Value) -> Value {
        let mut body = json!({
            "client_id": self.id(), "client_name": "A new app", "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none", "scope": "launch/patient patient/*.rs",
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }
}

fn public() -> Value {
    json!({
        "client_name": "A new app", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "scope": "launch/patient patient/*.rs",
    })
}

async fn world() -> Result<Signed> {
    Signed::start_with(|settings| settings.auth.registration.by = Register::Open).await
}

#[tokio::test]
async fn an_app_looks_at_its_registration_changes_it_and_goes() -> Result<()> {
    let world = world().await?;
    let own = Own::register(&world.origin, &public()).await?;
    let shown = own.ask(Method::GET, &own.token, None).await?;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(shown.header("cache-control"), "no-store");
    for member in ["client_id", "client_name", "scope", "token_endpoint_auth_method"] {
        assert_eq!(shown.text_at(member), own.told.text_at(member), "{member}");
    }
    assert_eq!(shown.text_at("redirect_uris.0"), CALLBACK);
    assert_eq!(shown.text_at("registration_access_token"), own.token);
    // Something is given to it, and goes on by a narrower registration.
    let app = App::new(&world.origin, &own.id(), CALLBACK, "launch/patient patient/*.rs");
    let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
    let token = app.token(&page).await?.text_at("access_token");
    let client = world.server.client.bearing(token);
    assert_eq!(client.get("/Patient/anna").await?.status, 200);
    let narrower = own.saying(
        json!({ "scope": "launch/patient patient/Observation.rs", "client_name": "Smaller" }),
    );
    let changed = own.ask(Method::PUT, &own.token, Some(&narrower)).await?;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.text_at("scope"), "launch/patient patient/Observation.rs");
    let over = async || client.get("/Patient/anna").await.is_ok_and(|it| it.status == 401);
    until("tokens of before are over", Duration::from_secs(5), over).await?;
    let shown = own.ask(Method::GET, &own.token, None).await?;
    assert_eq!(shown.text_at("client_name"), "Smaller");
    // It is to have a secret from now on, which is told once.
    let secret = own.saying(json!({ "token_endpoint_auth_method": "client_secret_basic" }));
    let changed = own.ask(Method::PUT, &own.token, Some(&secret)).await?;
    let told = changed.text_at("client_secret");
    assert!(told.len() >= 43, "{}", changed.text);
    let again = own.saying(json!({
        "token_endpoint_auth_method": "client_secret_basic", "client_secret": told
    }));
    let changed = own.ask(Method::PUT, &own.token, Some(&again)).await?;
    assert_eq!((changed.status, changed.at("client_secret")), (200, None), "{}", changed.text);
    let shown = own.ask(Method::GET, &own.token, None).await?;
    assert_eq!(shown.text_at("token_endpoint_auth_method"), "client_secret_basic");
    assert!(!shown.text.contains(&told), "{}", shown.text);
    // It goes.
    assert_eq!(own.ask(Method::DELETE, &own.token, None).await?.status, 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(own.ask(method, &own.token, None).await?.status, 401);
    }
    let mut owner = world.server.database.connect().await?;
    let left: i64 = sqlx::query_scalar("select count(*) from client").fetch_one(&mut owner).await?;
    assert_eq!(left, 0);
    let said: Vec<String> = sqlx::query_scalar(
        "select split_part(detail, ':', 2) from audit where action = 13 and client = $1
        and detail like '%, by itself:%' order by audit_id",
    )
    .bind(own.id())
    .fetch_all(&mut owner)
    .await?;
    let words = ["looked at", "changed", "looked at", "changed", "changed", "looked at", "deleted"];
    let said: Vec<&str> = said.iter().map(|it| it.trim()).collect();
    assert_eq!(said, words);
    Ok(())
}

#[tokio::test]
async fn nobody_else_does_and_nobody_says_what_is_ours_to_say() -> Result<()> {
    let world = world().await?;
    let (own, other) = (
        Own::register(&world.origin, &public()).await?,
        Own::register(&world.origin, &public()).await?,
    );
    for token in [other.token.as_str(), "made-up"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = own.saying(json!({ "client_name": "Taken" }));
            let body = (method == Method::PUT).then_some(&body);
            let answer = own.ask(method.clone(), token, body).await?;
            assert_eq!(answer.status, 401, "{method} {}", answer.text);
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
    for (members, word) in [
        (json!({ "client_id": other.id() }), "client_id must be"),
        (json!({ "client_id": null }), "client_id must be"),
        (json!({ "registration_access_token": own.token }), "Leave out"),
        (json!({ "registration_client_uri": own.url }), "Leave out"),
        (json!({ "client_secret_expires_at": 0 }), "Leave out"),
        (json!({ "client_id_issued_at": 0 }), "Leave out"),
        (json!({ "client_secret": "x" }), "client_secret is not"),
        (json!({ "redirect_uris": ["http://new.example.org/cb"] }), "redirect_uris"),
        (json!({ "scope": "user/*.rs" }), "none of this scope"),
    ] {
        let answer = own.ask(Method::PUT, &own.token, Some(&own.saying(members.clone()))).await?;
        assert_eq!(answer.status, 400, "{members} {}", answer.text);
        assert!(answer.text_at("error_description").contains(word), "{members} {}", answer.text);
    }
    let shown = own.ask(Method::GET, &own.token, None).await?;
    assert_eq!((shown.status, shown.text_at("client_name").as_str()), (200, "A new app"));
    // An operator who disables it ends this too, and what an operator made is no registration.
    world.store.change_client(&own.id(), store::ClientChange::Disable).await?;
    assert_eq!(own.ask(Method::GET, &own.token, None).await?.status, 401);
    Ok(())
}

const OFFLINE: &str = "offline_access patient/*.rs";

fn offline() -> Value {
    json!({
        "client_name": "A new app", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "scope": OFFLINE,
    })
}

/// What people gave was given to an app of a name, that proves itself somehow, and that they are sent back to somewhere.
#[tokio::test]
async fn what_was_given_is_over_where_the_app_becomes_another() -> Result<()> {
    let world = world().await?;
    for (members, over) in [
        (json!({ "scope": "offline_access patient/Patient.rs" }), false),
        (json!({ "client_name": "Another app" }), true),
        (json!({ "redirect_uris": [CALLBACK, "https://other.example.org/cb"] }), true),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), true),
    ] {
        let own = Own::register(&world.origin, &offline()).await?;
        let app = App::new(&world.origin, &own.id(), CALLBACK, OFFLINE);
        let page = app.agree(&mut world.visitor()?, "anna", PASSWORD, None).await?;
        let refresh = app.token(&page).await?.text_at("refresh_token");
        assert!(!refresh.is_empty(), "{members}");
        let mut body = own.saying(json!({ "scope": OFFLINE }));
        for (name, value) in members.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let changed = own.ask(Method::PUT, &own.token, Some(&body)).await?;
        assert_eq!(changed.status, 200, "{members} {}", changed.text);
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh),
            ("client_id", own.id()),
        ];
        let secret = changed.at("client_secret").map(|_| changed.text_at("client_secret"));
        form.extend(secret.map(|secret| ("client_secret", secret)));
        let answer = app.ask(&form).await?;
        let error = answer.text_at("error");
        let came = (answer.status, error.as_str());
        assert_eq!(came, if over { (400, "invalid_grant") } else { (200, "") }, "{members}");
        let mut owner = world.server.database.connect().await?;
        let go_on = "select count(*) from approval where client = $1 and revoked_at is null";
        let query = sqlx::query_scalar::<_, i64>(go_on).bind(own.id());
        assert_eq!(query.fetch_one(&mut owner).await?, i64::from(!over), "{members}");
    }
    Ok(())
}

/// The page that asks is of one app: where that has become another, or went and one came under its id, it asks again.
#[tokio::test]
async fn a_page_left_open_gives_nothing_to_another_app() -> Result<()> {
    let world = world().await?;
    let own = Own::register(&world.origin, &offline()).await?;
    let app = App::new(&world.origin, &own.id(), CALLBACK, OFFLINE);
    let mut visitor = world.visitor()?;
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let left = page.form("/auth/consent")?.with("decision", "allow");
    let renamed = own.saying(json!({ "scope": OFFLINE, "client_name": "Another app" }));
    assert_eq!(own.ask(Method::PUT, &own.token, Some(&renamed)).await?.status, 200);
    let page = visitor.submit(&left).await?;
    assert!(page.param("code").is_none() && page.text.contains("Another app"), "{page:?}");
    let left = page.form("/auth/consent")?.with("decision", "allow");
    // By command, of which this server has not heard.
    world.store.delete_client(&own.id()).await?;
    let page = visitor.submit(&left).await?;
    assert!(page.param("code").is_none(), "{page:?}");
    let form = ClientForm {
        id: own.id(),
        name: Some("One who came later".into()),
        scope: OFFLINE.into(),
        redirects: vec![CALLBACK.into()],
        launch_url: None,
        own: false,
        proof: FormProof::Nothing,
        by: RegisteredBy::Operator,
    };
    form.create(&world.store).await?;
    let asks = async || match world.visitor() {
        Ok(mut other) => other.open(&app.path()).await.is_ok_and(|page| page.status == 200),
        Err(_) => false,
    };
    until("the server has heard of it", Duration::from_secs(10), asks).await?;
    let page = visitor.submit(&left).await?;
    assert!(page.param("code").is_none(), "{page:?}");
    assert!(page.text.contains("One who came later"), "{page:?}");
    let page = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    assert!(page.param("code").is_some(), "who is asked anew can give it: {page:?}");
    let mut owner = world.server.database.connect().await?;
    let given: i64 =
        sqlx::query_scalar("select count(*) from approval").fetch_one(&mut owner).await?;
    assert_eq!(given, 1);
    Ok(())
}
