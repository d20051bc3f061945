//! A real browser goes through standalone launch, launch from here and granular consent, with the SMART client that
//! others published. Our pages run with scripts switched off; by the keyboard alone they can be used, too.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use it::{APP_SCOPE, Browser, PASSWORD, Press, Signed, Site, Tab};
use serde_json::{Value, json};
use server::Settings;
use telemetry::Clock;

use crate::alike::put;
use crate::factor::code;

const SEE_ALL: &str = "See measurements and laboratory results, in your record";
const OFFLINE: &str =
    "Go on with all of this when you are not signed in (offline access), for 100 days";

/// A server, an app of others, a browser.
pub(crate) struct World {
    pub(crate) signed: Signed,
    pub(crate) clock: Clock,
    pub(crate) site: Site,
    pub(crate) browser: Browser,
}

impl World {
    /// `None` where there is no browser. The app asks for these scopes.
    pub(crate) async fn start(scope: &str) -> Result<Option<Self>> {
        Self::start_with(scope, Clock::system(), |_| ()).await
    }

    /// On a clock that stands still between two codes of a device: nothing may be asked of what the database's clock
    /// made, as a token that was renewed.
    pub(crate) async fn start_for_codes(scope: &str) -> Result<Option<Self>> {
        Self::start_with(scope, Clock::manual(Clock::system().now()), |_| ()).await
    }

    /// With other settings than the usual.
    pub(crate) async fn start_with(
        scope: &str,
        clock: Clock,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Option<Self>> {
        let Some(browser) = Browser::start().await? else { return Ok(None) };
        let (site, own) = (Site::start().await?, clock.clone());
        site.asks("spa", scope)?;
        let signed = Signed::start_with(|settings| {
            settings.clock = own;
            for app in settings.clients.iter_mut().filter(|app| app.id == "spa") {
                app.redirects = vec![site.redirect()];
                app.launch_url = Some(site.launch_url());
                app.scope = format!("launch {APP_SCOPE}");
            }
            change(settings);
        })
        .await?;
        let client = &signed.server.client;
        for (patient, visit) in [("anna", "visit"), ("bert", "other")] {
            let visit = json!({ "resourceType": "Encounter", "id": visit, "status": "finished",
                "class": { "code": "AMB" }, "subject": { "reference": format!("Patient/{patient}") },
                "period": { "start": "2026-05-04T09:00:00Z" } });
            put(client, &visit.to_string()).await?;
        }
        for n in 1..=7 {
            let category = if n <= 5 { "laboratory" } else { "vital-signs" };
            let system = "http://terminology.hl7.org/CodeSystem/observation-category";
            let value = json!({ "resourceType": "Observation", "id": format!("{category}-{n}"),
                "status": "final", "code": { "text": "x" }, "subject": { "reference": "Patient/anna" },
                "category": [{ "coding": [{ "system": system, "code": category }] }] });
            put(client, &value.to_string()).await?;
        }
        Ok(Some(Self { signed, clock, site, browser }))
    }

    /// The address at which the app begins by itself.
    pub(crate) fn begin(&self) -> String {
        format!("{}?iss={}/fhir", self.site.launch_url(), self.signed.origin)
    }

    /// A code that was not used before.
    pub(crate) fn code(&self, secret: &str) -> Result<String> {
        self.clock.advance(Duration::from_secs(30));
        code(secret, self.clock.seconds())
    }
}

/// Signs in on the page that asks for it.
pub(crate) async fn sign_in(tab: &Tab, login: &str) -> Result<()> {
    tab.see("Password").await?;
    tab.fill("Log-in", login).await?;
    tab.fill("Password", PASSWORD).await?;
    tab.press("button", "Sign in").await
}

/// Ids of what the app finds by a walk through all pages.
async fn found(tab: &Tab, query: &str) -> Result<Vec<String>> {
    let walk = format!(
        "client.request('{query}', {{ pageLimit: 0, flat: true }}).then(all => all.map(one => one.id))"
    );
    let ids = tab.value(&walk).await?;
    let ids = ids.as_array().with_context(|| format!("{query}: {ids}"))?;
    Ok(ids.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Nothing was refused by a policy of ours, missing, or thrown.
fn expect_calm(tab: &Tab) -> Result<()> {
    let objections = tab.objections();
    ensure!(objections.is_empty(), "{objections:#?}");
    Ok(())
}

/// G7, G8, G10, G13 to G17, G23, G25, G29, G31, G66, G81 to G83.
#[tokio::test]
async fn a_patient_gives_an_app_a_part_of_what_it_asks_for() -> Result<()> {
    let scope =
        "openid fhirUser launch/patient offline_access patient/Patient.rs patient/Observation.rs";
    let Some(world) = World::start(scope).await? else { return Ok(()) };
    let tab = world.browser.tab().await?;
    tab.go(&world.begin()).await?;
    tab.see("The app spa asks for access").await?;
    // The app needs scripts. Our pages do not.
    tab.scripts(false).await?;
    tab.fill("Log-in", "anna").await?;
    tab.fill("Password", "a wrong password").await?;
    tab.press("button", "Sign in").await?;
    tab.see("do not go together").await?;
    sign_in(&tab, "anna").await?;
    let page = tab.see("Give The app spa access?").await?;
    ensure!(page.contains(OFFLINE) && page.contains(&world.site.origin), "{page}");
    tab.press("checkbox", SEE_ALL).await?;
    tab.press("DisclosureTriangle", "Give less than that").await?;
    tab.press("checkbox", "results of the laboratory").await?;
    tab.scripts(true).await?;
    tab.press("button", "Give access").await?;
    tab.see("ready for anna").await?;
    let granted = tab.text("client.state.tokenResponse.scope").await?;
    let laboratory = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory";
    assert_eq!(
        granted,
        format!("openid fhirUser launch/patient offline_access patient/Patient.rs {laboratory}")
    );
    // The walk takes three pages; what was left out is not there.
    let all: Vec<String> = (1..=5).map(|n| format!("laboratory-{n}")).collect();
    assert_eq!(found(&tab, "Observation?_count=2&_sort=_id").await?, all);
    assert_eq!(found(&tab, "Observation?category=vital-signs").await?, Vec::<String>::new());
    assert_eq!(tab.text("client.user.fhirUser").await?, "Patient/anna");
    assert_eq!(tab.text("client.user.read().then(it => it.name[0].family)").await?, "Alpha");
    assert_eq!(tab.text("client.patient.read().then(it => it.id)").await?, "anna");
    let other = "client.request('Patient/bert').then(() => 'read', fault => String(fault.status))";
    assert_eq!(tab.text(other).await?, "404");
    // Another token, for the same patient and the same scopes.
    let token = "client.state.tokenResponse.access_token";
    let first = tab.text(token).await?;
    let again = tab.text("client.refresh().then(state => state.tokenResponse.scope)").await?;
    assert_eq!(again, granted);
    assert_ne!(tab.text(token).await?, first);
    assert_eq!(tab.text("client.patient.id").await?, "anna");
    assert_eq!(found(&tab, "Observation?_count=2&_sort=_id").await?, all);
    Ok(())
}

/// G33, and what becomes of what was given.
#[tokio::test]
async fn a_person_says_no_and_takes_back() -> Result<()> {
    let Some(world) = World::start("launch/patient offline_access patient/Patient.rs").await?
    else {
        return Ok(());
    };
    let tab = world.browser.tab().await?;
    tab.go(&world.begin()).await?;
    sign_in(&tab, "anna").await?;
    tab.press("button", "Give none").await?;
    let page = tab.see("refused: ").await?;
    ensure!(page.contains("gave no access"), "{page}");
    tab.go(&world.begin()).await?;
    tab.press("button", "Give access").await?;
    tab.see("ready for anna").await?;
    expect_calm(&tab)?;
    tab.go(&format!("{}/auth/manage", world.signed.origin)).await?;
    tab.press("button", "Take it back from The app spa").await?;
    tab.see("No app has access through you.").await?;
    tab.go(&world.site.redirect()).await?;
    tab.see("ready for anna").await?;
    let over = "client.refresh().then(() => 'goes on', fault => fault.message)";
    let over = tab.text(over).await?;
    ensure!(over.contains("invalid_grant"), "{over}");
    Ok(())
}

/// G34 to G40, G76: what the app was told where it was started.
#[tokio::test]
async fn an_app_is_started_from_here() -> Result<()> {
    let scope = "launch openid fhirUser online_access patient/Observation.rs user/Encounter.rs";
    let Some(world) = World::start(scope).await? else { return Ok(()) };
    let tab = world.browser.tab().await?;
    tab.scripts(false).await?;
    tab.go(&format!("{}/auth/launch", world.signed.origin)).await?;
    sign_in(&tab, "clara").await?;
    tab.fill("Number, as on a card or a chart", "A-1").await?;
    tab.press("button", "Search").await?;
    tab.press("button", "Anna Alpha born 1980-01-02, number A-1").await?;
    tab.see("Start an app for Anna Alpha").await?;
    tab.press("radio", "2026-05-04, AMB, finished").await?;
    tab.fill("What for, in a word that the app knows (may stay empty)", "summary").await?;
    tab.scripts(true).await?;
    tab.press("button", "Start").await?;
    let page = tab.see("Give The app spa access?").await?;
    ensure!(page.contains("It is about Anna Alpha"), "{page}");
    tab.press("button", "Give access").await?;
    tab.see("ready for anna").await?;
    for (told, value) in [
        ("client.encounter.id", json!("visit")),
        ("client.state.tokenResponse.need_patient_banner", json!(true)),
        ("client.state.tokenResponse.intent", json!("summary")),
        ("client.user.fhirUser", json!("Practitioner/clara")),
        ("client.encounter.read().then(it => it.status)", json!("finished")),
        (
            "fetch(client.state.tokenResponse.smart_style_url).then(it => it.json()).then(it => it.color_text)",
            json!("#1a2330"),
        ),
    ] {
        assert_eq!(tab.value(told).await?, value, "{told}");
    }
    assert_eq!(found(&tab, "Observation?_count=3").await?.len(), 8, "Anna's, and no other");
    expect_calm(&tab)
}

/// Without a mouse, and with a second factor: set up, asked for, a patient chosen, a scope left out.
#[tokio::test]
async fn the_keyboard_alone_is_enough() -> Result<()> {
    let scope = "launch/patient patient/Patient.rs patient/Observation.rs";
    let Some(world) = World::start_for_codes(scope).await? else { return Ok(()) };
    let tab = world.browser.tab().await?;
    tab.go(&format!("{}/auth/device", world.signed.origin)).await?;
    type_log_in(&tab).await?;
    tab.see("Read this with an app").await?;
    let secret = tab.text("document.querySelector('p code').textContent").await?;
    tab.tab_to("textbox", "Code").await?;
    tab.typed(&world.code(&secret)?).await?;
    tab.key(Press::Enter).await?;
    tab.see("Write them down now").await?;
    tab.tab_to("button", "Sign out").await?;
    tab.key(Press::Enter).await?;
    tab.see("Setting up a second factor needs you to sign in").await?;

    tab.go(&world.begin()).await?;
    tab.see("asks for access").await?;
    type_log_in(&tab).await?;
    tab.see("Type the code that your device shows").await?;
    // The focus is where one types.
    assert_eq!(tab.focus().await?, ("textbox".to_owned(), "Code".to_owned()));
    tab.typed(&world.code(&secret)?).await?;
    tab.key(Press::Enter).await?;
    tab.see("Choose a patient").await?;
    assert_eq!(tab.focus().await?.1, "Name, or the beginning of one");
    tab.typed("alph").await?;
    tab.key(Press::Enter).await?;
    tab.see("Found").await?;
    tab.tab_to("button", "Anna Alpha born 1980-01-02, number A-1").await?;
    tab.key(Press::Enter).await?;
    tab.see("It is about Anna Alpha").await?;
    tab.tab_to("checkbox", "See measurements and laboratory results, in this patient's record")
        .await?;
    tab.key(Press::Space).await?;
    tab.tab_to("button", "Give access").await?;
    tab.key(Press::Enter).await?;
    tab.see("ready for anna").await?;
    assert_eq!(
        tab.text("client.state.tokenResponse.scope").await?,
        "launch/patient patient/Patient.rs"
    );
    expect_calm(&tab)
}

async fn type_log_in(tab: &Tab) -> Result<()> {
    tab.see("Password").await?;
    tab.tab_to("textbox", "Log-in").await?;
    tab.typed("clara").await?;
    tab.tab_to("textbox", "Password").await?;
    tab.typed(PASSWORD).await?;
    tab.key(Press::Enter).await
}
