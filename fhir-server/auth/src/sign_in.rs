//! Signing in by log-in and password. Whoever fails learns only that it failed: not whether the account is there,
//! locked, disabled, or has another password.

use canonical_model::Result;
use store::{Account, Attempt, AuthStore, NewSession};

use crate::accounts::login;
use crate::password::{Password, Passwords};
use crate::signed::{Factors, Signed};

/// Somebody who tries, and from where.
pub(crate) struct Trying<'a> {
    pub(crate) store: &'a AuthStore,
    pub(crate) passwords: &'a Passwords,
    pub(crate) typed: &'a str,
    /// As accounts know it.
    pub(crate) place: Option<[u8; 32]>,
}

/// What a try came to.
#[derive(Clone, Debug)]
pub(crate) enum Try {
    /// Log-in and password go together.
    Known(Attempt),
    /// They do not, or were not looked at.
    Wrong(Wrong),
}

/// A try that failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrong {
    /// Whose log-in it is, where it is anybody's.
    pub(crate) whose: Option<Account>,
    /// Too many were wrong from there; seconds to wait, at accounts that do not know the place.
    pub(crate) wait_s: Option<i64>,
}

impl Trying<'_> {
    /// Looks whether log-in and password go together. `wait_s` is how long the place has to wait at accounts that do not
    /// know it, where it has to; what is said then, and how long it takes, does not tell which accounts do.
    ///
    /// # Errors
    /// 503 where too many people sign in, or the database is away.
    pub(crate) async fn attempt(&self, password: Password, wait_s: Option<i64>) -> Result<Try> {
        let login = login(self.typed).ok();
        let known = match (&login, &self.place) {
            (Some(login), Some(place)) => self.store.attempt_from(login, place).await?,
            _ => None,
        };
        let attempt = match (known, &login) {
            (Some(known), _) => Some(known),
            (None, Some(login)) if wait_s.is_none() => self.store.attempt(login).await?,
            (None, _) => None,
        };
        let kept = attempt.as_ref().and_then(|attempt| attempt.password.clone());
        let same = self.passwords.matches(password, kept).await?;
        if let (true, Some(attempt)) = (same, attempt) {
            return Ok(Try::Known(attempt));
        }
        // Asked whether there is one or not, so that both take as long.
        let whose = match login.as_deref() {
            Some(login) => self.store.find_account(login).await?,
            None => None,
        };
        Ok(Try::Wrong(Wrong { whose, wait_s }))
    }
}

/// Begins the session of somebody whose password was right, in the browser whose cookie has this digest. `None` where
/// the account has changed since.
///
/// # Errors
/// 503 where the database is away.
pub(crate) async fn begin(
    store: &AuthStore,
    attempt: &Attempt,
    digest: &[u8; 32],
    place: Option<&[u8; 32]>,
) -> Result<Option<Signed>> {
    let Attempt { account, generation, known, .. } = *attempt;
    let factors = Factors::PASSWORD;
    let new = NewSession { digest, account, generation, factors: factors.0, place, known };
    let session = store.begin_session(&new).await?;
    Ok(session.map(|session| Signed { account, session, factors }))
}

/// Signs in, for the browser whose cookie has this digest, from nowhere in particular. `None` where log-in and password
/// are of nobody.
///
/// # Errors
/// 503 where too many people sign in, or the database is away.
pub async fn sign_in(
    store: &AuthStore,
    passwords: &Passwords,
    typed: &str,
    password: Password,
    digest: &[u8; 32],
) -> Result<Option<Signed>> {
    let trying = Trying { store, passwords, typed, place: None };
    match trying.attempt(password, None).await? {
        Try::Known(attempt) => begin(store, &attempt, digest, None).await,
        Try::Wrong(_) => Ok(None),
    }
}
