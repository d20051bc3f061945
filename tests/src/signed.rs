//! A server with people and apps: a clinician, two patients, an auditor; a public app and one with a secret.

use access::Treatment;
use anyhow::{Result, ensure};
use auth::{AccountForm, ClientConfig, Password, Passwords, Secret, SecretHash};
use server::Settings;
use store::AuthStore;

use crate::app::App;
use crate::client::Client;
use crate::database::Database;
use crate::fixture::Fixture;
use crate::visitor::Visitor;

/// The password of all of them.
pub const PASSWORD: &str = "four good words here";
/// Where the apps have people sent back to.
pub const REDIRECT: &str = "https://app.example.org/callback";
/// The secret of the app that can keep one.
pub const APP_SECRET: &str = "an app that runs on a server";
/// The most that both apps may be granted.
pub const APP_SCOPE: &str = "openid fhirUser launch/patient online_access offline_access \
    patient/*.cruds user/*.cruds";

/// The people: log-in, role, person.
const PEOPLE: [(&str, &str, Option<&str>); 5] = [
    ("clara", "clinician", Some("Practitioner/clara")),
    ("anna", "patient", Some("Patient/anna")),
    ("bert", "patient", Some("Patient/bert")),
    ("aude", "auditor", Some("Practitioner/clara")),
    ("nemo", "integration", None),
];

/// What is there: two patients, each with an observation, and the clinician.
const RESOURCES: [(&str, &str); 5] = [
    ("Practitioner/clara", r#""name":[{"family":"Example","given":["Clara"]}]"#),
    (
        "Patient/anna",
        r#""identifier":[{"system":"urn:mrn","value":"A-1"}],"name":[{"family":"Alpha","given":["Anna"]}],"birthDate":"1980-01-02","generalPractitioner":[{"reference":"Practitioner/clara"}]"#,
    ),
    (
        "Patient/bert",
        r#""identifier":[{"system":"urn:mrn","value":"B-1"}],"name":[{"family":"Beta","given":["Bert"]}],"birthDate":"1990-03-04","generalPractitioner":[{"reference":"Practitioner/clara"}]"#,
    ),
    (
        "Observation/anna",
        r#""status":"final","code":{"text":"x"},"subject":{"reference":"Patient/anna"}"#,
    ),
    (
        "Observation/bert",
        r#""status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bert"}"#,
    ),
];

/// The server.
#[derive(Debug)]
pub struct Signed {
    /// It.
    pub server: Fixture,
    /// Its origin.
    pub origin: String,
    /// The accounts.
    pub store: AuthStore,
}

impl Signed {
    /// Starts one.
    ///
    /// # Errors
    /// No database can be had, or the server does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| ()).await
    }

    /// Starts one with other settings than the usual.
    ///
    /// # Errors
    /// As [`Signed::start`].
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let database = Database::create().await?;
        let store = people(&database).await?;
        let server = Fixture::on(database, |settings| {
            settings.clients.extend(apps());
            // Nobody stands in a relationship to these patients.
            settings.policy.treatment = Treatment::Open;
            change(settings);
        })
        .await?;
        for (place, content) in RESOURCES {
            let (kind, id) = place.split_once('/').unwrap_or_default();
            let body = format!(r#"{{"resourceType":"{kind}","id":"{id}",{content}}}"#);
            let put = server.client.send("PUT", &format!("/{place}"), &body).await?;
            ensure!(put.status == 201, "{place}: {}", put.text);
        }
        let origin = server.origin()?.to_owned();
        Ok(Self { server, origin, store })
    }

    /// A new browser.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn visitor(&self) -> Result<Visitor> {
        Visitor::new(&self.origin)
    }

    /// The app that can keep no secret.
    #[must_use]
    pub fn spa(&self, scope: &str) -> App {
        App::new(&self.origin, "spa", REDIRECT, scope)
    }

    /// The app with a secret.
    #[must_use]
    pub fn server_app(&self, scope: &str) -> App {
        let secret = Some(APP_SECRET.to_owned());
        App { secret, ..App::new(&self.origin, "server-app", REDIRECT, scope) }
    }

    /// A client with a token that a person gave to an app, by all the pages.
    ///
    /// # Errors
    /// It was not given.
    pub async fn given(&self, app: &App, login: &str, patient: Option<&str>) -> Result<Client> {
        let page = app.agree(&mut self.visitor()?, login, PASSWORD, patient).await?;
        let answer = app.token(&page).await?;
        ensure!(answer.status == 200, "{}", answer.text);
        Ok(self.server.client.bearing(answer.text_at("access_token")))
    }
}

/// The apps as settings have them.
///
/// # Panics
/// Never where there is randomness.
#[must_use]
pub fn apps() -> Vec<ClientConfig> {
    let app = |id: &str, secret: Option<SecretHash>| ClientConfig {
        id: id.into(),
        name: Some(format!("The app {id}")),
        secret,
        scope: APP_SCOPE.into(),
        redirects: vec![REDIRECT.into(), format!("{REDIRECT}?tenant=1")],
        ..ClientConfig::default()
    };
    let secret = SecretHash::of(&Secret::new(APP_SECRET.into()));
    [app("spa", None)]
        .into_iter()
        .chain(secret.ok().map(|it| app("server-app", Some(it))))
        .collect()
}

/// Makes the accounts.
///
/// # Errors
/// The database cannot be reached.
pub async fn people(database: &Database) -> Result<AuthStore> {
    let (store, passwords) = (AuthStore::connect(&database.url).await?, Passwords::new()?);
    for (login, role, person) in PEOPLE {
        let form = AccountForm {
            login: login.into(),
            fhir_user: person.map(str::to_owned),
            roles: vec![role.into()],
            orgs: Vec::new(),
        };
        form.create(&store, &passwords, Password::new(PASSWORD.into())).await?;
    }
    Ok(store)
}
