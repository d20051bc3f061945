//! Who can sign in: what an account must be, and how one is made.

use access::{FhirUser, Role, Roles};
use canonical_model::{Error, ResourceId, Result};
use store::{AuthStore, NewAccount};

use crate::limits::{LOGIN_BYTES_MAX, ORGS_MAX};
use crate::password::{DEMO_PASSWORD, Password, Passwords};
use crate::secret::random_text;

/// An account as an operator describes it.
#[derive(Clone, Debug, Default)]
pub struct AccountForm {
    /// As its owner types it, in any letters.
    pub login: String,
    /// The person, as `Practitioner/1`.
    pub fhir_user: Option<String>,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Ids of Organization.
    pub orgs: Vec<String>,
}

/// Roles of people who are no staff.
const OUTSIDE: [Role; 2] = [Role::Patient, Role::Proxy];

/// A log-in as it is kept: in small letters.
///
/// # Errors
/// 400 where it has other characters than letters, digits and `. _ - @ +`, or too many.
pub fn login(text: &str) -> Result<String> {
    let login = text.trim().to_lowercase();
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-@+".contains(&b);
    if (1..=LOGIN_BYTES_MAX).contains(&login.len()) && login.bytes().all(legal) {
        return Ok(login);
    }
    Err(Error::invalid(format!(
        "A log-in has 1 to {LOGIN_BYTES_MAX} of a-z 0-9 . _ - @ + and no other characters."
    )))
}

/// Judges roles, and the organisations that they reach.
///
/// # Errors
/// 400, saying which is none.
pub fn expect_roles(roles: &[String], orgs: &[String]) -> Result<Roles> {
    if let Some(unknown) = roles.iter().find(|name| Roles::parse([name.as_str()]).is_err()) {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        let text = format!("There is no role {unknown:?}; there are {}.", known.join(", "));
        return Err(Error::invalid(text));
    }
    if orgs.len() > ORGS_MAX {
        return Err(Error::invalid(format!("An account has at most {ORGS_MAX} organisations.")));
    }
    for org in orgs {
        ResourceId::parse(org)?;
    }
    let all = Roles::parse(roles.iter().map(String::as_str))?;
    if all.contains(Role::Proxy) && all.iter().any(|role| !OUTSIDE.contains(&role)) {
        let text = "The role `proxy` goes with no role of staff: whoever works here has another account for that.";
        return Err(Error::invalid(text));
    }
    Ok(all)
}

/// Log-ins of the demo's accounts, whose password is [`DEMO_PASSWORD`].
pub const DEMO_LOGINS: [&str; 3] = ["clinician", "patient", "admin"];

/// An account of the demo that has the demo's password still: a reason for `serve` not to start.
///
/// # Errors
/// 503 where the database is away.
pub async fn demo_account(store: &AuthStore) -> Result<Option<&'static str>> {
    for login in DEMO_LOGINS {
        let Some(kept) = store.kept_password(login).await? else { continue };
        let password = Password::new(DEMO_PASSWORD.to_owned());
        if Passwords::new()?.matches(password, Some(kept)).await? {
            return Ok(Some(login));
        }
    }
    Ok(None)
}

impl AccountForm {
    /// Makes the account; its `sub` is random, so that it says nothing and is never given again.
    ///
    /// # Errors
    /// 400 where something is none of its kind, 409 where the log-in is taken.
    pub async fn create(
        &self,
        store: &AuthStore,
        passwords: &Passwords,
        password: Password,
    ) -> Result<i64> {
        let login = login(&self.login)?;
        self.expect_fit()?;
        password.expect_fit(&login)?;
        self.insert(store, &login, passwords.hash(password).await?).await
    }

    /// Makes an account of the demo, with the password that everybody knows.
    ///
    /// # Errors
    /// As [`AccountForm::create`].
    pub async fn create_demo(&self, store: &AuthStore, passwords: &Passwords) -> Result<i64> {
        self.expect_fit()?;
        let password = Password::new(DEMO_PASSWORD.to_owned());
        self.insert(store, &login(&self.login)?, passwords.hash(password).await?).await
    }

    async fn insert(&self, store: &AuthStore, login: &str, kept: String) -> Result<i64> {
        store
            .add_account(&NewAccount {
                sub: &random_text()?,
                login,
                fhir_user: self.fhir_user.as_deref(),
                roles: &self.roles,
                orgs: &self.orgs,
                password: Some(&kept),
            })
            .await
    }

    fn expect_fit(&self) -> Result<()> {
        let roles = expect_roles(&self.roles, &self.orgs)?;
        let user = self.fhir_user.as_deref().map(FhirUser::parse).transpose()?;
        let kind = user.as_ref().map_or("", |user| user.kind.name());
        let whole = user.as_ref().map(FhirUser::reference) == self.fhir_user.as_deref();
        if !whole {
            return Err(Error::invalid(
                "The person is written as `Practitioner/1`, without a URL.",
            ));
        }
        if roles.contains(Role::Patient) != (kind == "Patient") {
            let text =
                "The role `patient` goes with a person such as `Patient/1`, and only with one.";
            return Err(Error::invalid(text));
        }
        let staff = roles.iter().any(|role| !OUTSIDE.contains(&role));
        if staff && !matches!(kind, "" | "Practitioner" | "PractitionerRole") {
            let text = "Roles of staff go with a person such as `Practitioner/1`.";
            return Err(Error::invalid(text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_judged_before_they_are_made() {
        for (user, roles, orgs, fit) in [
            (Some("Practitioner/1"), vec!["clinician"], 1, true),
            (Some("Patient/1"), vec!["patient"], 0, true),
            (Some("RelatedPerson/1"), vec!["proxy"], 0, true),
            (None, vec!["admin", "auditor"], 0, true),
            (None, vec![], 0, true),
            (Some("Patient/1"), vec!["patient", "proxy"], 0, true),
            (Some("Practitioner/1"), vec!["clinician", "proxy"], 0, false),
            (Some("Practitioner/1"), vec!["doctor"], 0, false),
            (Some("Practitioner/1"), vec!["patient"], 0, false),
            (Some("Patient/1"), vec!["clinician"], 0, false),
            (Some("Patient/1"), vec![], 0, false),
            (Some("https://example.org/Patient/1"), vec!["patient"], 0, false),
            (Some("Device/1"), vec![], 0, false),
            (None, vec!["patient"], 0, false),
            (None, vec!["clinician"], 9, false),
        ] {
            let form = AccountForm {
                login: "x".into(),
                fhir_user: user.map(str::to_owned),
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                orgs: vec!["1".to_owned(); orgs],
            };
            assert_eq!(form.expect_fit().is_ok(), fit, "{form:?}");
        }
        let said = expect_roles(&["doctor".to_owned()], &[]).unwrap_err();
        assert!(said.issues[0].diagnostics.contains("care-coordinator"));
    }

    #[test]
    fn a_log_in_is_one_however_it_is_typed() {
        for (typed, kept) in [
            (" Jane.Doe ", Some("jane.doe")),
            ("jane@example.org", Some("jane@example.org")),
            ("", None),
            ("jane doe", None),
            ("jäne", None),
            ("\u{212a}ate", Some("kate")),
        ] {
            assert_eq!(login(typed).ok().as_deref(), kept, "{typed}");
        }
    }
}
