//! Signing in by log-in and password. Whoever fails learns only that it failed: not whether the account is there,
//! locked, disabled, or has another password.

use canonical_model::Result;
use store::{Account, Attempt, AuthStore, NewSession};

use crate::accounts::login;
use crate::password::{Password, Passwords};
use crate::signed::{Factors, Signed};

/// What a try came to.
#[derive(Clone, Debug)]
pub(crate) enum Try {
    /// Log-in and password go together.
    Known(Attempt),
    /// They do not; whose log-in it is, where it is anybody's.
    Wrong(Option<Account>),
}

/// Looks whether log-in and password go together.
///
/// # Errors
/// 503 where too many people sign in, or the database is away.
pub(crate) async fn attempt(
    store: &AuthStore,
    passwords: &Passwords,
    typed: &str,
    password: Password,
) -> Result<Try> {
    let login = login(typed).ok();
    let attempt = match &login {
        Some(login) => store.attempt(login).await?,
        None => None,
    };
    let kept = attempt.as_ref().and_then(|attempt| attempt.password.clone());
    let same = passwords.matches(password, kept).await?;
    if let (true, Some(attempt)) = (same, attempt) {
        return Ok(Try::Known(attempt));
    }
    // Asked whether there is one or not, so that both take as long.
    Ok(Try::Wrong(match login.as_deref() {
        Some(login) => store.find_account(login).await?,
        None => None,
    }))
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
) -> Result<Option<Signed>> {
    let (account, factors) = (attempt.account, Factors::PASSWORD);
    let new = NewSession { digest, account, generation: attempt.generation, factors: factors.0 };
    let session = store.begin_session(&new).await?;
    Ok(session.map(|session| Signed { account, session, factors }))
}

/// Signs in, for the browser whose cookie has this digest. `None` where log-in and password are of nobody.
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
    match attempt(store, passwords, typed, password).await? {
        Try::Known(attempt) => begin(store, &attempt, digest).await,
        Try::Wrong(_) => Ok(None),
    }
}
