//! What `dev` says when it is ready: every address and every credential, and nothing that is not.

use std::path::Path;
use std::time::Duration;

use super::{Postgres, people};
use crate::limits::DEMO_PATIENTS;
use crate::start::Running;

/// The lines, each a name and a value.
#[derive(Debug)]
pub(crate) struct Banner(Vec<(&'static str, String)>);

/// The demo data at a start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Demo {
    /// Not wanted.
    Unwanted,
    /// Being loaded.
    Coming,
    /// Loaded by an earlier start.
    There,
    /// The database is somebody else's: nothing is put into it.
    Elsewhere,
}

impl Demo {
    fn said(self, origin: &str) -> String {
        let patients = format!("{DEMO_PATIENTS} made-up patients");
        match self {
            Self::Unwanted => "none (--no-demo)".to_owned(),
            Self::Elsewhere => "none: the database is not one of `dev`".to_owned(),
            Self::Coming => format!("{patients}, there in a few seconds: {origin}/fhir/Patient"),
            Self::There => format!("{patients}, loaded by an earlier start: {origin}/fhir/Patient"),
        }
    }
}

impl Banner {
    pub(crate) fn new(
        running: &Running,
        postgres: Option<&Postgres>,
        home: &Path,
        demo: Demo,
    ) -> Self {
        let origin = &running.origin;
        let below = |path: &str| format!("{origin}{path}");
        let mut lines = vec![
            ("FHIR R4", below("/fhir")),
            ("", below("/fhir/metadata")),
            ("", below("/fhir/.well-known/smart-configuration")),
            ("Tokens", below("/auth/token")),
            ("", below("/auth/jwks")),
            ("Client", "dev-backend, secret dev-secret: system/*.cruds".to_owned()),
            (
                "Accounts",
                if postgres.is_some() { people::logins() } else { "none of its own".to_owned() },
            ),
            ("Demo data", demo.said(origin)),
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
            if let Some(file) = running.seal_key.as_deref() {
                lines.push(("Seal key", format!("{} (`key_file` under `[seal]`)", file.display())));
            }
            lines.push(("Its log", postgres.log().display().to_string()));
        } else {
            let text = "that of the settings or CAREBRIDGE_DATABASE_URL, open to dev-backend while this runs";
            lines.push(("Database", text.to_owned()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_is_promised() {
        for (demo, promised) in [
            (Demo::Unwanted, false),
            (Demo::Coming, true),
            (Demo::There, false),
            (Demo::Elsewhere, false),
        ] {
            let said = demo.said("http://x");
            assert_eq!(said.contains("in a few seconds"), promised, "{said}");
        }
    }
}
