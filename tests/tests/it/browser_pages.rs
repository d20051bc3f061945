//! Every page below `/auth`, and the description of the API, seen in a real browser: held to the rules of WCAG 2.1 AA on a phone and on a wide screen,
//! light and dark; no wider than its window; nothing refused by its policy. With `CAREBRIDGE_PICTURES=FOLDER` pictures
//! of them are kept there, to be looked at.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use auth::{AccountForm, ClientForm, FormProof, Password, Passwords, ProviderConfig, Secret};
use it::{Browser, Held, PASSWORD, Press, REDIRECT, Scheme, Signed, Tab, library};
use serde_json::json;
use store::RegisteredBy;
use telemetry::Clock;

use crate::alike::put;
use crate::browser::{World, sign_in};

/// Shapes that pages are looked at in, and what they are held to there: the narrowest that WCAG asks for (1.4.10), a
/// phone, a wide screen.
const SHAPES: [(u32, Scheme, Option<Held>); 3] = [
    (320, Scheme::Light, None),
    (390, Scheme::Light, Some(Held::Whole)),
    (1280, Scheme::Dark, Some(Held::Colours)),
];

/// What an app asks for that asks for much.
const MUCH: &str = "launch/patient openid fhirUser online_access offline_access patient/Patient.rs \
    patient/Observation.rs patient/Condition.cruds patient/MedicationRequest.rs \
    patient/AllergyIntolerance.rs patient/DocumentReference.rs user/Practitioner.rs \
    patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|survey";

const NAME: &str = "Name, or the beginning of one";
const NUMBER: &str = "Number, as on a card or a chart";
const OTHERS: &str = "Only what went to others, for another purpose than treatment, payment and running this \
    house; six years back";
/// The button that a found patient is.
const ANNA: &str = "Anna Alpha born 1980-01-02, number A-1";

/// Somebody who looks at pages.
struct Looking<'a> {
    tab: Tab,
    origin: &'a str,
    checker: &'a str,
    pictures: Option<PathBuf>,
}

impl<'a> Looking<'a> {
    async fn new(world: &'a World, checker: &'a str) -> Result<Self> {
        let pictures = std::env::var_os("CAREBRIDGE_PICTURES").map(PathBuf::from);
        Ok(Self {
            tab: world.browser.tab().await?,
            origin: &world.signed.origin,
            checker,
            pictures,
        })
    }

    async fn open(&self, path: &str) -> Result<()> {
        self.tab.go(&format!("{}{path}", self.origin)).await
    }

    /// Opens a page of ours and signs in on the way.
    async fn enter(&self, path: &str, login: &str) -> Result<()> {
        self.open(path).await?;
        sign_in(&self.tab, login).await
    }

    /// Waits for the page with these words, and looks at it.
    async fn at(&self, name: &str, words: &str) -> Result<()> {
        let tab = &self.tab;
        tab.see(words).await?;
        for (width, scheme, held) in SHAPES {
            tab.shape(width, scheme).await?;
            ensure!(tab.too_wide().await? <= 0, "{name} is wider than {width}");
            if let Some(folder) = &self.pictures {
                std::fs::create_dir_all(folder)?;
                let file = folder.join(format!("{name}-{width}-{scheme:?}.png"));
                std::fs::write(file, tab.picture().await?)?;
            }
            if let Some(held) = held {
                let faults = tab.faults(self.checker, held).await?;
                ensure!(faults.is_empty(), "{name}, {width} {scheme:?}: {faults:#?}");
            }
        }
        let title = tab.text("document.title").await?;
        ensure!(title.ends_with(" – CareBridge") && title.len() > 16, "{name}: {title}");
        let objections = tab.objections();
        // What is refused with a status is said by the browser, too.
        let ours = |it: &&String| !it.contains("Failed to load resource");
        let objections: Vec<_> = objections.iter().filter(ours).collect();
        ensure!(objections.is_empty(), "{name}: {objections:#?}");
        Ok(())
    }
}

/// Another server at which people may sign in.
async fn provider() -> Result<(Signed, ProviderConfig)> {
    let there = Signed::start().await?;
    let form = ClientForm {
        id: "us".into(),
        name: None,
        scope: "openid fhirUser".into(),
        redirects: vec![REDIRECT.into()],
        launch_url: None,
        own: false,
        proof: FormProof::Secret,
        by: RegisteredBy::Operator,
    };
    let secret = form.create(&there.store).await?.context("a secret")?;
    let config = ProviderConfig {
        name: "The other one".into(),
        issuer: format!("{}/auth", there.origin),
        client_id: "us".into(),
        secret: Secret::new(secret),
        secret_in_form: false,
        scopes: vec!["openid".into()],
    };
    Ok((there, config))
}

#[tokio::test]
async fn pages_on_the_way_to_an_app_are_for_everybody() -> Result<()> {
    let Some(world) = World::start(MUCH).await? else { return Ok(()) };
    let checker = library("axe.min.js")?;
    let look = Looking::new(&world, &checker).await?;
    let tab = &look.tab;
    look.open("/auth/authorize?client_id=nobody").await?;
    look.at("error", "This cannot go on").await?;
    tab.go(&world.begin()).await?;
    look.at("login", "The app spa asks for access").await?;
    tab.fill("Log-in", "anna").await?;
    tab.fill("Password", "wrong").await?;
    tab.press("button", "Sign in").await?;
    look.at("login-wrong", "do not go together").await?;
    sign_in(tab, "anna").await?;
    look.at("consent", "Give The app spa access?").await?;
    tab.press("DisclosureTriangle", "Give less than that").await?;
    look.at("consent-open", "results of the laboratory").await?;
    let boxes =
        "[...document.querySelectorAll('input[type=checkbox]')].forEach(it => it.checked = false)";
    tab.value(boxes).await?;
    tab.press("button", "Give access").await?;
    look.at("consent-nothing", "Leave something in").await?;
    tab.press("button", "Give access").await?;
    tab.see("ready for anna").await?;
    look.open("/auth/manage").await?;
    look.at("manage", "What you take back ends").await?;
    tab.press("link", "Who saw my record").await?;
    look.at("record", "A program").await?;
    tab.print(true).await?;
    let printed = tab.words().await?;
    ensure!(printed.contains("A program") && !printed.contains("Sign out"), "{printed}");
    ensure!(!printed.contains("What is shown") && !printed.contains("CSV"), "{printed}");
    tab.print(false).await?;
    tab.press("radio", OTHERS).await?;
    tab.press("button", "Show").await?;
    look.at("record-nothing", "There is nothing.").await?;
    look.open("/auth/record?from=yesterday").await?;
    look.at("record-wrong", "That is no day").await
}

/// What would find nothing, whatever there was, would find no fault here either.
#[tokio::test]
async fn a_page_that_is_not_for_everybody_is_told() -> Result<()> {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let (tab, checker) = (browser.tab().await?, library("axe.min.js")?);
    tab.go(
        "data:text/html,<title>x</title><main><h1>x</h1><input><p style='color:%23aaa'>hardly to be read</main>",
    )
    .await?;
    tab.see("hardly").await?;
    let faults: Vec<String> =
        tab.faults(&checker, Held::Whole).await?.into_iter().map(|it| it.0).collect();
    for rule in ["html-has-lang", "label", "color-contrast"] {
        ensure!(faults.iter().any(|it| it.starts_with(rule)), "{rule}: {faults:#?}");
    }
    tab.go("data:text/html,<title>x</title><div style='width:700px'>y</div>").await?;
    tab.shape(320, Scheme::Light).await?;
    ensure!(tab.too_wide().await? > 300, "a page that is wider than its window");
    Ok(())
}

#[tokio::test]
async fn pages_of_staff_are_for_everybody() -> Result<()> {
    let Some(world) = World::start_for_codes(&format!("launch {MUCH}")).await? else {
        return Ok(());
    };
    let checker = library("axe.min.js")?;
    for n in 1..=4 {
        let patient = json!({ "resourceType": "Patient", "id": format!("alp-{n}"), "gender": "female",
            "name": [{ "family": "Alphonse-Montgomery of the Outer Hebrides", "given": ["Wilhelmina", "Josephine"] }],
            "identifier": [{ "value": format!("4711-{n}") }], "birthDate": "1944-02-01" });
        put(&world.signed.server.client, &patient.to_string()).await?;
    }
    let look = Looking::new(&world, &checker).await?;
    look.enter("/auth/break-glass", "clara").await?;
    look.at("break-glass-closed", "your log-in has none yet").await?;
    let secret = second_factor(&look, &world).await?;
    emergency(&look, &world, &secret).await?;
    starting(&look).await?;
    picking(&look, &world, &secret).await?;
    let look = Looking::new(&world, &checker).await?;
    // Another person than who took it: `aude` is an account of the same one.
    account(&world, "omar", "Practitioner/omar", "auditor").await?;
    look.enter("/auth/review", "omar").await?;
    look.at("review", "Was it right?").await?;
    look.tab.press("button", "It was justified").await?;
    look.at("review-done", "It was justified.").await?;
    // Whoever watches over others opens nobody's record.
    look.open("/auth/launch").await?;
    look.at("launch-closed", "watching over it").await?;
    look.tab.go(&world.begin()).await?;
    look.at("picker-closed", "There is no patient whom you may choose").await
}

async fn account(world: &World, login: &str, person: &str, role: &str) -> Result<()> {
    let form = AccountForm {
        login: login.into(),
        fhir_user: Some(person.into()),
        roles: vec![role.into()],
        orgs: Vec::new(),
    };
    let password = Password::new(PASSWORD.into());
    form.create(&world.signed.store, &Passwords::new()?, password).await?;
    Ok(())
}

async fn second_factor(look: &Looking<'_>, world: &World) -> Result<String> {
    const SECRET: &str = "document.querySelector('p code').textContent";
    let tab = &look.tab;
    look.open("/auth/device").await?;
    look.at("device", "Read this with an app").await?;
    tab.fill("Code", "1").await?;
    tab.press("button", "Take this device").await?;
    look.at("device-wrong", "That is not the code").await?;
    let secret = tab.text(SECRET).await?;
    tab.fill("Code", &world.code(&secret)?).await?;
    tab.press("button", "Take this device").await?;
    look.at("device-codes", "Write them down now").await?;
    look.open("/auth/device").await?;
    look.at("device-there", "Remove the device").await?;
    Ok(secret)
}

async fn emergency(look: &Looking<'_>, world: &World, secret: &str) -> Result<()> {
    let tab = &look.tab;
    look.open("/auth/break-glass").await?;
    look.at("break-glass", "Whose record is it?").await?;
    tab.fill(NAME, "alp").await?;
    tab.press("button", "Search").await?;
    look.at("break-glass-wrong", "nobody looks around here").await?;
    tab.fill(NUMBER, "A-1").await?;
    tab.fill(NAME, "").await?;
    tab.press("button", "Search").await?;
    look.at("break-glass-found", "Anna Alpha").await?;
    tab.press("button", ANNA).await?;
    look.at("break-glass-reason", "to the record of Anna Alpha").await?;
    tab.fill(
        "Why do you need it? In a sentence.",
        "Found without consciousness, allergies unknown",
    )
    .await?;
    tab.fill("Code of your device, of this moment", "1").await?;
    tab.press("button", "Open the record").await?;
    look.at("break-glass-code", "That is not the code").await?;
    tab.fill("Code of your device, of this moment", &world.code(secret)?).await?;
    tab.press("button", "Open the record").await?;
    look.at("break-glass-consent", "This is access in an emergency").await?;
    tab.press("button", "Give access").await?;
    tab.see("ready for anna").await.map(drop)
}

async fn starting(look: &Looking<'_>) -> Result<()> {
    let tab = &look.tab;
    look.open("/auth/launch").await?;
    look.at("launch", "Whose record is it to work with?").await?;
    tab.fill(NAME, "al").await?;
    tab.press("button", "Search").await?;
    look.at("launch-found", "Wilhelmina").await?;
    tab.press("button", ANNA).await?;
    look.at("launch-patient", "Start an app for Anna Alpha").await?;
    tab.fill("What else is open, as ServiceRequest/7 (may stay empty)", "nonsense").await?;
    tab.press("button", "Start").await?;
    look.at("launch-wrong", "is written as ServiceRequest/7").await
}

async fn picking(look: &Looking<'_>, world: &World, secret: &str) -> Result<()> {
    let tab = &look.tab;
    look.open("/auth/manage").await?;
    tab.press("button", "Sign out").await?;
    tab.see("needs you to sign in").await?;
    tab.go(&world.begin()).await?;
    tab.see("asks for access").await?;
    sign_in(tab, "clara").await?;
    look.at("factor", "One more step").await?;
    tab.fill("Code", "1").await?;
    tab.press("button", "Go on").await?;
    look.at("factor-wrong", "That is not the code").await?;
    tab.fill("Code", &world.code(secret)?).await?;
    tab.press("button", "Go on").await?;
    look.at("picker", "Choose a patient").await?;
    tab.press("button", "Search").await?;
    look.at("picker-wrong", "Type a name").await?;
    tab.fill(NAME, "zzz").await?;
    tab.press("button", "Search").await?;
    look.at("picker-none", "Nobody was found").await?;
    tab.fill(NAME, "al").await?;
    tab.press("button", "Search").await?;
    look.at("picker-found", "Wilhelmina").await?;
    tab.press("button", ANNA).await?;
    look.at("consent-of-staff", "It is about Anna Alpha").await?;
    look.open("/auth/manage").await?;
    look.at("manage-of-staff", "Access that you gave").await
}

#[tokio::test]
async fn pages_of_reviewers_proxies_and_strangers_are_for_everybody() -> Result<()> {
    let (there, config) = provider().await?;
    let allowed = there.origin.clone();
    let world = World::start_with(MUCH, Clock::system(), |settings| {
        settings.auth.providers.push(config);
        settings.outbound.allow.push(allowed);
    });
    let Some(world) = world.await? else { return Ok(()) };
    let checker = library("axe.min.js")?;
    let callback = format!("{}/auth/callback", world.signed.origin);
    sqlx::query("update client set redirects = array[$1]")
        .bind(callback)
        .execute(&mut there.server.database.connect().await?)
        .await?;

    let look = Looking::new(&world, &checker).await?;
    let tab = &look.tab;
    tab.go(&world.begin()).await?;
    look.at("login-elsewhere", "Sign in with The other one").await?;
    tab.press("link", "Sign in with The other one").await?;
    sign_in(tab, "bert").await?;
    tab.press("button", "Give access").await?;
    look.at("login-to-link", "Linking your log-in at another provider").await?;
    sign_in(tab, "anna").await?;
    look.at("link", "Link your log-in at The other one?").await?;
    tab.press("button", "Link it").await?;
    tab.see("Give The app spa access?").await?;

    let store = &world.signed.store;
    account(&world, "mary", "RelatedPerson/mary", "proxy").await?;
    let look = Looking::new(&world, &checker).await?;
    let tab = &look.tab;
    tab.go(&world.begin()).await?;
    sign_in(tab, "mary").await?;
    look.at("proxy-nobody", "You stand for nobody").await?;
    let (mary, by) =
        (store.account_of("mary").await?.account, store.account_of("aude").await?.account);
    for patient in ["anna", "bert"] {
        store.stand_for(mary, patient, None, by).await?;
    }
    tab.go(&world.begin()).await?;
    look.at("proxy-picker", "Whom you may choose").await?;
    tab.press("button", "Bert Beta born 1990-03-04, number B-1").await?;
    look.at("proxy-consent", "It is about Bert Beta").await?;
    look.open("/auth/review").await?;
    look.at("review-closed", "Only auditors and administrators").await?;
    look.open("/auth/record").await?;
    look.at("record-choose", "Whose record?").await?;
    tab.press("link", "Bert Beta").await?;
    look.at("record-of-proxy", "You are not shown which document").await?;

    let look = Looking::new(&world, &checker).await?;
    look.enter("/auth/review", "aude").await?;
    look.at("review-nothing", "Nobody but you has taken any").await?;
    look.open("/auth/record").await?;
    look.at("record-asked", "Id of the patient").await?;
    look.tab.fill("Id of the patient, as in Patient/4711", "anna").await?;
    look.tab.press("button", "Show").await?;
    look.at("record-of-auditor", "Who saw the record of Patient/anna").await?;
    let look = Looking::new(&world, &checker).await?;
    look.enter("/auth/record", "clara").await?;
    look.at("record-closed", "Your log-in is of none of them").await
}

/// It needs nobody signed in, no script, and nothing from elsewhere: its policy lets nothing else through.
#[tokio::test]
async fn the_description_of_the_api_is_for_everybody() -> Result<()> {
    let Some(world) = World::start(MUCH).await? else { return Ok(()) };
    let checker = library("axe.min.js")?;
    let look = Looking::new(&world, &checker).await?;
    let tab = &look.tab;
    look.open("/docs").await?;
    look.at("docs", "What can be asked here").await?;
    // By the keyboard alone: to a part, then to its first route, which opens.
    tab.tab_to("link", "FHIR").await?;
    tab.key(Press::Enter).await?;
    let first = "GET /fhir/metadata What this server does: the CapabilityStatement, or with mode=terminology the \
        TerminologyCapabilities";
    tab.tab_to("DisclosureTriangle", first).await?;
    tab.key(Press::Enter).await?;
    look.at("docs-open", "Asks for nothing.").await?;
    let opened = tab.value("document.querySelectorAll('details[open]').length").await?;
    ensure!(opened == 1, "{opened}");
    tab.value("document.querySelectorAll('details').forEach(it => it.open = true)").await?;
    look.at("docs-all-open", "A logical id").await
}
