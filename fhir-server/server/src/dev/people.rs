//! The demo's people: accounts whose password everybody knows.

use anyhow::Result;
use auth::{AccountForm, DEMO_LOGINS, DEMO_PASSWORD, Passwords};
use canonical_model::Kind;
use store::AuthStore;

/// Whom each log-in is, by its role.
const PERSONS: [&str; 3] =
    ["Practitioner/demo-clinician", "Patient/demo-patient", "Practitioner/demo-admin"];

/// Makes the accounts that are missing. Those that are there keep what became of them.
pub(crate) async fn make_accounts(url: &str) -> Result<()> {
    let store = AuthStore::connect(url).await?;
    let there = store.accounts().await?;
    let passwords = Passwords::new()?;
    for (login, person) in DEMO_LOGINS.into_iter().zip(PERSONS) {
        if there.iter().any(|account| account.login == login) {
            continue;
        }
        let form = AccountForm {
            login: login.to_owned(),
            fhir_user: Some(person.to_owned()),
            // Each is called as its role is.
            roles: vec![login.to_owned()],
            orgs: Vec::new(),
        };
        match form.create_demo(&store, &passwords).await {
            // Another start was first.
            Err(error) if error.kind == Kind::Conflict => {}
            made => drop(made?),
        }
    }
    store.close().await;
    Ok(())
}

/// What the banner says of them.
pub(crate) fn logins() -> String {
    format!("{}; password {DEMO_PASSWORD}", DEMO_LOGINS.join(" / "))
}
