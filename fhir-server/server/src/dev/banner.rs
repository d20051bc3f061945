//! What `dev` says when it is ready: every address and every credential, and nothing that is not.

use std::path::Path;
use std::time::Duration;

use super::Postgres;
use crate::limits::DEMO_PATIENTS;
use crate::start::Running;

/// The lines, each a name and a value.
#[derive(Debug)]
pub(crate) struct Banner(Vec<(&'static str, String)>);

impl Banner {
    pub(crate) fn new(
        running: &Running,
        postgres: Option<&Postgres>,
        home: &Path,
        demo: bool,
    ) -> Self {
        let origin = &running.origin;
        let below = |path: &str| format!("{origin}{path}");
        let demo = match demo {
            true => format!(
                "{DEMO_PATIENTS} made-up patients, there in a few seconds: {origin}/fhir/Patient"
            ),
            false => "none (--no-demo)".to_owned(),
        };
        let mut lines = vec![
            ("FHIR R4", below("/fhir")),
            ("", below("/fhir/metadata")),
            ("", below("/fhir/.well-known/smart-configuration")),
            ("Tokens", below("/auth/token")),
            ("", below("/auth/jwks")),
            ("Client", "dev-backend, secret dev-secret: system/*.cruds".to_owned()),
            ("Demo data", demo),
            ("Health", format!("{origin}/healthz  /readyz  /metrics")),
        ];
        if let Some(postgres) = postgres {
            lines.push(("Database", postgres.public_url().to_owned()));
            let folder = postgres.folder().display();
            let data = match postgres.moved() {
                true => format!("{folder}, for {} is closed to its account", home.display()),
                false => folder.to_string(),
            };
            lines.push(("Data", data));
            lines.push(("Its log", postgres.log().display().to_string()));
        }
        Self(lines)
    }

    pub(crate) fn in_words(&self, after: Duration) -> String {
        let mut text = format!("\n  CareBridge is ready after {:.1} s.\n\n", after.as_secs_f64());
        for (name, value) in &self.0 {
            text.push_str(&format!("  {name:<10} {value}\n"));
        }
        text.push_str("\n  Ctrl-C stops all of it.\n");
        text
    }
}
