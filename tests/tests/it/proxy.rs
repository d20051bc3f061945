//! Who stands for a patient: chooses among those, until the day that was said, and not a moment after it was taken back.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use auth::{AccountForm, Password, Passwords};
use it::ledger::{binary, until};
use it::{App, Client, PASSWORD, Signed, Visitor};
use sqlx::AssertSqlSafe;

const MAX: Duration = Duration::from_secs(5);

async fn world() -> Result<Signed> {
    let world = Signed::start_with(|settings| {
        for app in settings.clients.iter_mut().filter(|app| app.id == "spa") {
            app.launch_url = Some("https://app.example.org/launch".into());
        }
    })
    .await?;
    for (login, roles, person) in [
        ("mary", &["proxy"][..], "RelatedPerson/mary"),
        ("paul", &["patient", "proxy"], "Patient/anna"),
    ] {
        let form = AccountForm {
            login: login.into(),
            fhir_user: Some(person.into()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            orgs: Vec::new(),
        };
        form.create(&world.store, &Passwords::new()?, Password::new(PASSWORD.into())).await?;
    }
    for id in ["anna", "bert"] {
        let body = format!(
            r#"{{"resourceType":"Observation","id":"violence-{id}","status":"final","code":{{"text":"x"}},"subject":{{"reference":"Patient/{id}"}},"meta":{{"security":[{{"code":"VIO"}}]}}}}"#
        );
        let path = format!("/Observation/violence-{id}");
        let put = world.server.client.send("PUT", &path, &body).await?;
        ensure!(put.status == 201, "{}", put.text);
    }
    Ok(world)
}

async fn stand_for(world: &Signed, login: &str, patient: &str) -> Result<i64> {
    let account = world.store.account_of(login).await?.account;
    let by = world.store.account_of("aude").await?.account;
    world.store.stand_for(account, patient, None, by).await?;
    Ok(account)
}

async fn run(world: &Signed, statement: &str) -> Result<()> {
    let mut owner = world.server.database.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await?;
    Ok(())
}

/// The picker as somebody gets it: the page, and the ids in it.
async fn picker(visitor: &mut Visitor, app: &App, login: &str) -> Result<(it::Page, Vec<String>)> {
    let page = visitor.open(&app.path()).await?;
    let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let ids = page.text.split("name=\"patient\" value=\"").skip(1);
    let ids = ids.filter_map(|it| it.split('"').next()).map(str::to_owned).collect();
    Ok((page, ids))
}

/// What a proxy gives for a patient, as a client and a refresh token.
async fn given(world: &Signed, app: &App, login: &str, patient: &str) -> Result<(Client, String)> {
    let mut visitor = world.visitor()?;
    let (page, _) = picker(&mut visitor, app, login).await?;
    let form = page.form("/auth/consent")?.with("patient", patient);
    let page = visitor.submit(&form).await?;
    let back = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let answer = app.token(&back).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    ensure!(answer.text_at("patient") == patient, "{}", answer.text);
    let client = world.server.client.bearing(answer.text_at("access_token"));
    Ok((client, answer.text_at("refresh_token")))
}

#[tokio::test]
async fn a_proxy_chooses_among_those_whom_he_stands_for() -> Result<()> {
    let world = world().await?;
    let app = world.spa("launch/patient patient/*.rs user/Observation.rs");
    let (page, ids) = picker(&mut world.visitor()?, &app, "mary").await?;
    assert!(ids.is_empty() && page.text.contains("You stand for nobody"), "{}", page.text);
    stand_for(&world, "mary", "bert").await?;
    stand_for(&world, "paul", "bert").await?;
    for (login, expected) in [("mary", &["bert"][..]), ("paul", &["anna", "bert"])] {
        let mut visitor = world.visitor()?;
        let (page, ids) = picker(&mut visitor, &app, login).await?;
        assert_eq!(ids, expected, "{login}");
        assert!(page.form("/auth/patient").is_err(), "nobody is searched for");
        for (id, other) in
            expected.iter().map(|id| (*id, if *id == "anna" { "bert" } else { "anna" }))
        {
            let (client, _) = given(&world, &app, login, id).await?;
            assert_eq!(
                client.get(&format!("/Observation/{id}")).await?.status,
                200,
                "{login} {id}"
            );
            // By `user/` scopes, which are bound by roles, neither: also not one's own.
            let hidden = client.get(&format!("/Observation/{other}")).await?.status;
            assert_eq!(hidden, 404, "{login} {id}");
            // What is kept from those who stand for somebody is for oneself alone.
            let kept = client.get(&format!("/Observation/violence-{id}")).await?.status;
            assert_eq!(kept, if id == "anna" { 200 } else { 403 }, "{login} {id}");
        }
        // Whom he does not stand for he does not get by writing the form himself.
        if login == "mary" {
            let form = page.form("/auth/consent")?;
            for form in [form.clone(), form.with("decision", "allow").with("scope", "patient/*.rs")]
            {
                let refused = visitor.submit(&form.with("patient", "anna")).await?;
                assert_eq!(refused.param("error").as_deref(), Some("access_denied"));
                assert_eq!(refused.param("code"), None);
            }
        }
    }
    // He sees nothing of it without an app either.
    let mut visitor = world.visitor()?;
    let page = visitor.open("/auth/launch").await?;
    let form = page.form("/auth/login")?.with("login", "mary").with("password", PASSWORD);
    let page = visitor.submit(&form).await?;
    let page = visitor.submit(&page.form("/auth/launch")?.with("name", "beta")).await?;
    assert!(!page.text.contains("Beta"), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn what_was_given_for_a_patient_ends_with_it() -> Result<()> {
    let world = world().await?;
    let account = stand_for(&world, "mary", "bert").await?;
    stand_for(&world, "mary", "anna").await?;
    let app = world.spa("launch/patient offline_access patient/*.rs");
    let refresh = |token: &str| {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
            ("client_id", app.id.clone()),
        ];
        let app = app.clone();
        async move { app.ask(&form).await }
    };
    let (kept, _) = given(&world, &app, "mary", "anna").await?;
    let (client, token) = given(&world, &app, "mary", "bert").await?;
    assert_eq!(client.get("/Patient/bert").await?.status, 200);
    assert!(world.store.stand_down(account, "bert").await?);
    let over = async || client.get("/Patient/bert").await.is_ok_and(|it| it.status == 401);
    until("it is over", MAX, over).await?;
    assert_eq!(refresh(&token).await?.text_at("error"), "invalid_grant");
    assert_eq!(kept.get("/Patient/anna").await?.status, 200, "another goes on");
    // By time: what is given ends with the day that was said, though 100 days were asked for.
    stand_for(&world, "mary", "bert").await?;
    run(&world, "update proxy set until = now() + interval '10 minutes' where patient = 'bert'")
        .await?;
    let (_, token) = given(&world, &app, "mary", "bert").await?;
    let mut owner = world.server.database.connect().await?;
    let bound: bool = sqlx::query_scalar(
        "select bool_and(a.ends_at = p.until) from approval a join proxy p using (account, patient)
        where a.patient = 'bert' and a.revoked_at is null",
    )
    .fetch_one(&mut owner)
    .await?;
    assert!(bound);
    let answer = refresh(&token).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body: serde_json::Value = serde_json::from_str(&answer.text)?;
    assert!(body["expires_in"].as_u64().context("a life")? <= 600, "{body}");
    // An earlier day pulls what was given along.
    let by = world.store.account_of("aude").await?.account;
    let soon = telemetry::Clock::system().now() + Duration::from_secs(60);
    world.store.stand_for(account, "bert", Some(soon), by).await?;
    let life_s = "select extract(epoch from max(ends_at) - now())::bigint from approval
        where patient = 'bert' and revoked_at is null";
    let left_s: i64 = sqlx::query_scalar(life_s).fetch_one(&mut owner).await?;
    assert!(left_s <= 60, "{left_s}");
    // Between the page and the answer it ends.
    let mut visitor = world.visitor()?;
    let (page, _) = picker(&mut visitor, &app, "mary").await?;
    let page = visitor.submit(&page.form("/auth/consent")?.with("patient", "bert")).await?;
    run(
        &world,
        "update proxy set made_at = now() - interval '2 h', until = now() where patient = 'bert'",
    )
    .await?;
    let back = visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    assert_eq!(back.param("code"), None, "{back:?}");
    let (_, ids) = picker(&mut world.visitor()?, &app, "mary").await?;
    assert_eq!(ids, ["anna"]);
    Ok(())
}

#[tokio::test]
async fn the_command_grants_ends_and_lists_and_leaves_a_record() -> Result<()> {
    let world = world().await?;
    let run = |words: &[&str]| -> Result<(String, bool)> {
        let mut command = Command::new(binary()?);
        let url = &world.server.database.url;
        command.arg("proxy").args(words).env("CAREBRIDGE_DATABASE_URL", url);
        let output = command.current_dir("/").stdin(Stdio::null()).output()?;
        let text = String::from_utf8([output.stdout, output.stderr].concat())?;
        Ok((text, output.status.success()))
    };
    for (words, good, said) in [
        (&["grant", "mary", "bert", "--by", "aude"][..], true, "Patient/bert, as aude said"),
        (
            &["grant", "mary", "anna", "--by", "aude", "--until", "2040-01-31"],
            true,
            "until 2040-02-01",
        ),
        (&["grant", "mary", "anna", "--by", "aude", "--until", "2020-01-31"], false, "in the past"),
        (&["grant", "mary", "anna", "--by", "mary"], false, "for himself"),
        (&["grant", "mary", "an na", "--by", "aude"], false, "An id has"),
        (&["grant", "clara", "bert", "--by", "aude"], false, "role `proxy`"),
        (&["grant", "nobody", "bert", "--by", "aude"], false, "no account"),
        (&["list", "mary", "--json"], true, "\"patient\":\"bert\""),
        (&["end", "mary", "bert"], true, "Patient/anna"),
        (&["end", "mary", "bert"], false, "does not stand for"),
        (&["list"], true, "mary"),
    ] {
        let (text, well) = run(words)?;
        assert_eq!(well, good, "{words:?}: {text}");
        assert!(text.contains(said), "{words:?}: {text}");
    }
    let mut owner = world.server.database.connect().await?;
    let said: Vec<String> =
        sqlx::query_scalar("select detail from audit where action = 13 order by audit_id")
            .fetch_all(&mut owner)
            .await?;
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[2].ends_with("stands for Patient/bert no more"), "{said:?}");
    Ok(())
}
