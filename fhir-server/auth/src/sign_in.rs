//! Signing in by log-in and password. Whoever fails learns only that it failed: not whether the account is there,
//! locked, disabled, or has another password.

use canonical_model::Result;
use store::{AuthStore, NewSession};

use crate::accounts::login;
use crate::password::{Password, Passwords};
use crate::signed::{Factors, Signed};

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
    let attempt = match login(typed) {
        Ok(login) => store.attempt(&login).await?,
        Err(_) => None,
    };
    let kept = attempt.as_ref().and_then(|attempt| attempt.password.clone());
    let same = passwords.matches(password, kept).await?;
    let (true, Some(attempt)) = (same, attempt) else { return Ok(None) };
    let (account, factors) = (attempt.account, Factors::PASSWORD);
    let new = NewSession { digest, account, generation: attempt.generation, factors: factors.0 };
    let session = store.begin_session(&new).await?;
    Ok(session.map(|session| Signed { account, session, factors }))
}
