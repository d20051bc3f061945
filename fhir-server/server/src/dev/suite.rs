//! What `carebridge conformance run` needs of a `dev` system: an app, a client with keys, and a file that says so.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use auth::{ClientConfig, DEMO_LOGINS, DEMO_PASSWORD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use suite::{Prepared, Variables, client_keys};

/// Its file, in the home of the system.
const FILE: &str = "suite.json";
/// The ids of the two clients.
const APP: &str = "suite-app";
const KEYED: &str = "suite-keys";
/// Where the app would be: nobody goes there, the suite reads where it is sent.
const REDIRECT: &str = "https://app.example.org/callback";
const LAUNCH_URL: &str = "https://app.example.org/launch";
/// The most that the app may be granted.
const APP_SCOPE: &str = "launch openid fhirUser launch/patient online_access offline_access \
    patient/*.cruds user/*.cruds";

/// What the file says, and the public keys of the client that has keys.
#[derive(Deserialize, Serialize)]
pub(crate) struct Written {
    #[serde(flatten)]
    prepared: Prepared,
    jwks: Value,
}

impl Written {
    /// The keys of an earlier start, else new ones.
    fn at(home: &Path) -> Result<Self> {
        let there = fs::read(file(home)).ok();
        if let Some(there) = there.and_then(|text| serde_json::from_slice(&text).ok()) {
            return Ok(there);
        }
        let mut variables = Variables::default();
        let jwks = client_keys(&mut variables)?;
        Ok(Self { prepared: Prepared { base: String::new(), variables }, jwks })
    }

    /// The suite's clients, for the settings.
    fn clients(&self) -> [ClientConfig; 2] {
        let app = ClientConfig {
            id: APP.to_owned(),
            name: Some("The conformance suite".to_owned()),
            scope: APP_SCOPE.to_owned(),
            redirects: vec![REDIRECT.to_owned()],
            launch_url: Some(LAUNCH_URL.to_owned()),
            ..ClientConfig::default()
        };
        let keyed = ClientConfig {
            id: KEYED.to_owned(),
            scope: "system/Patient.rs".to_owned(),
            jwks: Some(self.jwks.to_string()),
            ..ClientConfig::default()
        };
        [app, keyed]
    }

    /// Writes the file, once the address is known; whoever owns the system alone may read it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(mut self, home: &Path, origin: &str) -> Result<()> {
        self.prepared.base = format!("{origin}/fhir");
        let launch_page = format!("{origin}/auth/launch");
        for (name, value) in [
            ("client_id", "dev-backend"),
            ("client_secret", "dev-secret"),
            ("key_client", KEYED),
            ("app_client", APP),
            ("app_redirect", REDIRECT),
            ("app_launch", LAUNCH_URL),
            ("launch_page", launch_page.as_str()),
            ("login", DEMO_LOGINS[0]),
            ("password", DEMO_PASSWORD),
            // Of the demo's people, in people.json.
            ("patient_identifier", "DEMO-1"),
            ("visit", "demo-encounter"),
            ("vital_sign", "demo-weight"),
            ("laboratory", "demo-potassium"),
            ("provenance", "demo-provenance"),
            ("other_patient", "demo-neighbour"),
        ] {
            self.prepared.variables.set(name, value);
        }
        let path = file(home);
        let write = || {
            let mut options = OpenOptions::new();
            let mut file =
                options.create(true).truncate(true).write(true).mode(0o600).open(&path)?;
            file.write_all(serde_json::to_string_pretty(&self)?.as_bytes())
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Gives the settings the suite's clients, in place of any others of their names.
///
/// # Errors
/// The system gives no random bytes.
pub(crate) fn give(clients: &mut Vec<ClientConfig>, home: &Path) -> Result<Written> {
    let written = Written::at(home)?;
    for client in written.clients() {
        clients.retain(|other| other.id != client.id);
        clients.push(client);
    }
    Ok(written)
}

fn file(home: &Path) -> PathBuf {
    home.join(FILE)
}
