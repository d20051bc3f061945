//! Access in an emergency: what it takes, what it opens and what not, who is told, and who looks at it afterwards.

use std::time::{Duration, Instant};

use access::Treatment;
use anyhow::{Context, Result, ensure};
use auth::{AccountForm, Password, Passwords};
use it::{APP_SCOPE, Answer, App, Client, PASSWORD, Page, Signed, Visitor};
use serde_json::{Value, json};
use store::AccountChange;
use telemetry::Clock;

use crate::alike::put;
use crate::factor::{code, within};

const HERE: &str = "/auth/break-glass";
const REVIEW: &str = "/auth/review";
const REASON: &str = "Found without consciousness, allergies unknown";
const LAUNCH_URL: &str = "https://app.example.org/launch";

/// A clinician, to whom nobody here stands in a relationship, and a patient who denies all.
struct World {
    signed: Signed,
    clock: Clock,
}

impl World {
    async fn start() -> Result<Self> {
        let clock = Clock::manual(Clock::system().now());
        let own = clock.clone();
        let signed = Signed::start_with(|settings| {
            settings.clock = own;
            settings.policy.treatment = Treatment::Related;
            for client in settings.clients.iter_mut().filter(|it| !it.redirects.is_empty()) {
                client.launch_url = Some(LAUNCH_URL.to_owned());
                client.scope = format!("launch {APP_SCOPE}");
            }
        })
        .await?;
        let roles = ["clinician".to_owned(), "auditor".to_owned()];
        signed.store.change_account("clara", AccountChange::Roles(&roles, &[])).await?;
        let client = &signed.server.client;
        let labelled = |id: &str, label: &str| {
            json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
                "subject": { "reference": "Patient/anna" },
                "meta": { "security": [{ "code": label }] } })
        };
        let person = |id: &str, number: &str, name: &str| {
            json!({ "resourceType": "Patient", "id": id, "name": [{ "family": name }],
                "birthDate": "1980-01-02", "identifier": [{ "system": "urn:mrn", "value": number }] })
        };
        for resource in [
            person("anna", "A-1", "Alpha"),
            person("bert", "B-1", "Beta"),
            labelled("very", "V"),
            labelled("abuse", "ETH"),
            labelled("notes", "PSYTHPN"),
            json!({ "resourceType": "Consent", "id": "all", "status": "active",
                "scope": { "coding": [{ "code": "patient-privacy" }] },
                "category": [{ "coding": [{ "code": "59284-0" }] }],
                "patient": { "reference": "Patient/anna" },
                "policyRule": { "coding": [{ "code": "OPTOUT" }] } }),
        ] {
            put(client, &resource.to_string()).await?;
        }
        Ok(Self { signed, clock })
    }

    async fn sign_in(&self, login: &str, path: &str) -> Result<(Visitor, Page)> {
        let mut visitor = self.signed.visitor()?;
        let page = visitor.open(path).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
        let page = visitor.submit(&form).await?;
        Ok((visitor, page))
    }

    /// Gives a log-in a second factor: its secret.
    async fn device(&self, login: &str) -> Result<(Visitor, String)> {
        let (mut visitor, page) = self.sign_in(login, "/auth/device").await?;
        let secret = within(&page.text, "<code>").context("a secret")?;
        let form = page.form("/auth/device")?.with("code", &self.code(&secret)?);
        visitor.submit(&form).await?;
        Ok((visitor, secret))
    }

    /// A code that was not used before.
    fn code(&self, secret: &str) -> Result<String> {
        self.clock.advance(Duration::from_secs(30));
        code(secret, self.clock.seconds())
    }

    fn app(&self) -> App {
        let scope = "launch offline_access online_access patient/*.rs user/*.rs";
        self.signed.spa(scope)
    }

    /// Goes all the way to a token.
    async fn taken(&self, visitor: &mut Visitor, secret: &str) -> Result<Answer> {
        let page = chosen(visitor, "A-1").await?;
        let form = page.form(HERE)?.with("reason", REASON).with("code", &self.code(secret)?);
        let form = form.with("app", "spa").with("decision", "open");
        let away = visitor.submit(&form).await?;
        let launch = away.param("launch").with_context(|| format!("a launch: {away:?}"))?;
        let app = self.app();
        let mut asks = app.asks();
        asks.push(("launch", launch));
        let page = visitor.open(&it::path(&asks)).await?;
        ensure!(page.text.contains("This is access in an emergency."), "{}", page.text);
        let form = page.form("/auth/consent")?;
        assert_eq!(form.values("scope"), ["patient/*.rs"]);
        let back = visitor.submit(&form.with("decision", "allow")).await?;
        let answer = app.token(&back).await?;
        ensure!(answer.status == 200, "{}", answer.text);
        Ok(answer)
    }

    async fn scalar<T>(&self, text: &'static str) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let mut owner = self.signed.server.database.connect().await?;
        Ok(sqlx::query_scalar(text).fetch_one(&mut owner).await?)
    }
}

/// The page that asks for the reason, of the patient with this number.
async fn chosen(visitor: &mut Visitor, number: &str) -> Result<Page> {
    let page = visitor.open(HERE).await?;
    let page = visitor.submit(&page.form(HERE)?.with("identifier", number)).await?;
    let found = page.text.split("<h2>Found").nth(1).context("somebody is found")?;
    let id = found.split("name=\"patient\" value=\"").nth(1).and_then(|it| it.split('"').next());
    visitor.submit(&page.form(HERE)?.with("patient", id.context("an id")?)).await
}

async fn status(client: &Client, path: &str) -> Result<u16> {
    Ok(client.get(path).await?.status)
}

#[tokio::test]
async fn it_takes_a_clinician_a_second_factor_and_a_reason() -> Result<()> {
    let world = World::start().await?;
    for (login, why) in
        [("anna", "Only clinicians"), ("aude", "Only clinicians"), ("clara", "a second factor")]
    {
        let (mut visitor, page) = world.sign_in(login, HERE).await?;
        assert_eq!(page.status, 403, "{login}: {}", page.text);
        ensure!(page.text.contains(why) && page.form(HERE).is_err(), "{login}: {}", page.text);
        // A form that is made up gets no further.
        let mut forged = page.form("/auth/logout")?.with("patient", "anna").with("reason", REASON);
        forged = forged.with("code", "000000").with("app", "spa").with("decision", "open");
        forged.action = HERE.to_owned();
        let page = visitor.submit(&forged).await?;
        assert_eq!((page.status, page.param("launch")), (403, None), "{login}");
    }
    let (mut visitor, secret) = world.device("clara").await?;
    // Nobody looks around.
    for (fields, found) in [
        (vec![("name", "alph")], None),
        (vec![("birthdate", "1980-01-02")], None),
        (vec![("name", "a"), ("birthdate", "1980-01-02")], None),
        (vec![("name", "alph"), ("birthdate", "1980")], None),
        (vec![("name", "alph"), ("birthdate", "1980-01-02")], Some("Alpha")),
        (vec![("identifier", "A-1")], Some("Alpha")),
    ] {
        let form = visitor.open(HERE).await?.form(HERE)?;
        let form = fields.iter().fold(form, |form, (name, value)| form.with(name, value));
        let page = visitor.submit(&form).await?;
        assert_eq!(page.status, if found.is_some() { 200 } else { 400 }, "{fields:?}");
        assert_eq!(page.text.contains("Alpha"), found.is_some(), "{fields:?}: {}", page.text);
    }
    let page = chosen(&mut visitor, "A-1").await?;
    ensure!(page.text.contains("Alpha"), "{}", page.text);
    let form = page.form(HERE)?.with("app", "spa").with("decision", "open");
    let form = form.with("patient", "anna");
    for (reason, code) in [
        ("", world.code(&secret)?),
        ("too short", world.code(&secret)?),
        ("aaaaaaaaaaaaaaaaaaaaaaaaa", world.code(&secret)?),
        (REASON, "000000".to_owned()),
        (REASON, String::new()),
    ] {
        let page = visitor.submit(&form.clone().with("reason", reason).with("code", &code)).await?;
        assert_eq!((page.status, page.param("launch")), (400, None), "{reason} {code}: {page:?}");
    }
    // A code counts once: the one that let the session in is no fresh one.
    let used = world.code(&secret)?;
    let page = visitor.submit(&form.clone().with("reason", REASON).with("code", &used)).await?;
    ensure!(page.param("launch").is_some(), "{page:?}");
    let page = visitor.submit(&form.with("reason", REASON).with("code", &used)).await?;
    assert_eq!((page.status, page.param("launch")), (400, None));
    assert_eq!(
        world.scalar::<i64>("select count(*) from break_glass").await?,
        0,
        "nobody asked yet"
    );
    Ok(())
}

#[tokio::test]
async fn it_opens_one_record_for_an_hour_and_psychotherapy_notes_never() -> Result<()> {
    let world = World::start().await?;
    let (mut visitor, secret) = world.device("clara").await?;
    let client = &world.signed.server.client;
    let usual = world.signed.spa("user/*.rs");
    let mut other = world.signed.visitor()?;
    let page = other.open(&usual.path()).await?;
    let form = page.form("/auth/login")?.with("login", "clara").with("password", PASSWORD);
    let page = other.submit(&form).await?;
    let page =
        other.submit(&page.form("/auth/factor")?.with("code", &world.code(&secret)?)).await?;
    let back = other.submit(&page.form("/auth/consent")?.with("decision", "allow")).await?;
    let usual = client.bearing(usual.token(&back).await?.text_at("access_token"));
    assert_eq!(status(&usual, "/Patient/anna").await?, 404);

    let answer = world.taken(&mut visitor, &secret).await?;
    let told: Value = serde_json::from_str(&answer.text)?;
    ensure!(told.get("refresh_token").is_none() && told.get("emergency").is_none(), "{told}");
    ensure!(
        told["expires_in"].as_i64().is_some_and(|left_s| (1..=3_600).contains(&left_s)),
        "{told}"
    );
    assert_eq!((&told["patient"], &told["scope"]), (&json!("anna"), &json!("launch patient/*.rs")));
    let emergency = client.bearing(answer.text_at("access_token"));
    for (path, expected) in [
        ("/Patient/anna", 200),
        ("/Observation/anna", 200),
        ("/Observation/very", 200),
        ("/Observation/abuse", 200),
        ("/Observation/notes", 403),
        ("/Consent/all", 200),
        ("/Patient/bert", 404),
        ("/Observation/bert", 404),
        ("/Practitioner/clara", 403),
    ] {
        assert_eq!(status(&emergency, path).await?, expected, "{path}");
    }
    let found = emergency.get("/Observation?_total=accurate").await?;
    assert_eq!(found.at("total").map(|it| it.to_text()).as_deref(), Some("3"), "{}", found.text);
    // What she sees otherwise is as before.
    assert_eq!(status(&usual, "/Patient/anna").await?, 404);

    let hour: bool = world
        .scalar("select b.ends_at <= b.made_at + interval '60 minutes' and a.ends_at = b.ends_at and not a.offline
            and a.purpose = 'BTG' and b.reason not like '%conscious%' and b.patient = 'anna'
            from break_glass b join approval a using (approval)")
        .await?;
    ensure!(hour);
    let recorded: i64 = world
        .scalar("select count(*) from audit where action = 11 and purpose = 'BTG' and person = 'Practitioner/clara'
            and cardinality(patients) = 1 and client = 'spa'")
        .await?;
    assert_eq!(recorded, 1);
    let read: i64 = world
        .scalar("select count(*) from audit where action = 1 and purpose = 'BTG' and client = 'spa' and status = 200")
        .await?;
    assert_eq!(read, 5);
    world.clock.advance(Duration::from_secs(3_700));
    assert_eq!(status(&emergency, "/Patient/anna").await?, 401);
    Ok(())
}

#[tokio::test]
async fn those_who_watch_are_told_and_somebody_else_looks_at_it() -> Result<()> {
    let world = World::start().await?;
    let (mut visitor, secret) = world.device("clara").await?;
    world.taken(&mut visitor, &secret).await?;
    let begun = Instant::now();
    while !world.scalar::<bool>("select alerted_at is not null from break_glass").await? {
        ensure!(begun.elapsed() < Duration::from_secs(60), "nobody was told");
    }
    let metrics = reqwest::Client::builder().no_proxy().build()?;
    let metrics =
        metrics.get(format!("{}/metrics", world.signed.origin)).send().await?.text().await?;
    ensure!(
        metrics.lines().any(|line| line.starts_with("glass_broken_total") && !line.ends_with(" 0")),
        "{metrics}"
    );
    // Nobody reviews their own; whoever has neither role reviews nothing.
    let page = visitor.open(REVIEW).await?;
    ensure!(page.status == 200 && page.text.contains("Nobody but you"), "{}", page.text);
    let number: i64 = world.scalar("select break_glass from break_glass").await?;
    let verdict = |page: &Page| -> Result<it::Form> {
        let mut form = page.form("/auth/logout")?.with("number", &number.to_string());
        form.action = REVIEW.to_owned();
        Ok(form.with("verdict", "justified"))
    };
    visitor.submit(&verdict(&page)?).await?;
    let (mut stranger, page) = world.sign_in("anna", REVIEW).await?;
    ensure!(page.status == 403 && !page.text.contains(REASON), "{}", page.text);
    stranger.submit(&verdict(&page)?).await?;
    assert_eq!(world.scalar::<Option<i16>>("select verdict from break_glass").await?, None);
    // Nor by another account of the same person, who is Practitioner/clara too.
    let (mut herself, page) = world.sign_in("aude", REVIEW).await?;
    ensure!(page.status == 200 && page.text.contains("Nobody but you"), "{}", page.text);
    herself.submit(&verdict(&page)?).await?;
    assert_eq!(world.scalar::<Option<i16>>("select verdict from break_glass").await?, None);
    let form = AccountForm {
        login: "omar".into(),
        fhir_user: Some("Practitioner/omar".into()),
        roles: vec!["auditor".into()],
        ..AccountForm::default()
    };
    let (password, passwords) = (Password::new(PASSWORD.into()), Passwords::new()?);
    form.create(&world.signed.store, &passwords, password).await?;
    let (mut auditor, page) = world.sign_in("omar", REVIEW).await?;
    ensure!(page.text.contains(REASON) && page.text.contains("Patient/anna"), "{}", page.text);
    for (verdict, kept) in [("perhaps", None), ("unjustified", Some(0)), ("justified", Some(0))] {
        let page = auditor.open(REVIEW).await?;
        let mut form = page.form("/auth/logout")?.with("number", &number.to_string());
        form.action = REVIEW.to_owned();
        auditor.submit(&form.with("verdict", verdict)).await?;
        assert_eq!(
            world.scalar::<Option<i16>>("select verdict from break_glass").await?,
            kept,
            "{verdict}"
        );
    }
    ensure!(auditor.open(REVIEW).await?.text.contains("It was not justified."));
    let recorded: bool = world
        .scalar(
            "select count(*) filter (where status = 200 and detail like '%: not justified') = 1
            and count(*) filter (where status = 403 and detail like 'access in an emergency %') = 3
            and bool_or(status = 403 and detail like 'list of %' and patients is null)
            and bool_or(status = 200 and detail like 'list of %' and cardinality(patients) = 1)
            from audit where action = 12",
        )
        .await?;
    ensure!(recorded);
    Ok(())
}
