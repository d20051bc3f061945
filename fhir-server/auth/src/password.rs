//! Passwords: hashed by Argon2id, few at once, and as slowly where there is none to compare with.
//! <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id>

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use canonical_model::{Error, Kind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::limits::{
    HASH_KIB, HASH_PASSES, HASH_WAIT_MS_MAX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN,
};

/// The password of the demo's accounts, in every manual and so in everybody's hands.
pub const DEMO_PASSWORD: &str = "carebridge";

/// A password as somebody types it. Prints nothing of itself.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes a password in, to be compared.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether it may become the password of this log-in.
    ///
    /// # Errors
    /// 400, saying what to change.
    pub fn expect_fit(&self, login: &str) -> Result<()> {
        let refused = |why: &str| Err(Error::invalid(format!("The password {why}.")));
        match &self.0 {
            text if text.chars().count() < PASSWORD_CHARS_MIN => {
                refused(&format!("must have {PASSWORD_CHARS_MIN} characters or more"))
            }
            text if text.len() > PASSWORD_BYTES_MAX => {
                refused(&format!("must have {PASSWORD_BYTES_MAX} bytes or fewer"))
            }
            text if text.chars().any(char::is_control) => {
                refused("must have no line breaks or tabs")
            }
            text if text == DEMO_PASSWORD => refused("is the demo's, which everybody knows"),
            text if login.len() > 3 && text.to_lowercase().contains(login) => {
                refused("must not hold the log-in")
            }
            text if is_monotonous(text) => refused("repeats a few characters: take several words"),
            _ => Ok(()),
        }
    }
}

fn is_monotonous(text: &str) -> bool {
    let mut different: Vec<char> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    different.len() < 5
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Hashes and compares. Clones share their places: each takes 19 MiB and a core.
#[derive(Clone, Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Compared with where no account has one.
    nobodys: Arc<str>,
}

impl Passwords {
    /// As many at once as there are cores.
    ///
    /// # Errors
    /// 500 where the system gives no random bytes.
    pub fn new() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobodys = hash(b"of nobody")?.into();
        Ok(Self { places: Arc::new(Semaphore::new(cores)), nobodys })
    }

    /// A password as it is kept, with a new salt: a PHC string.
    ///
    /// # Errors
    /// 503 where too many others are at it.
    pub async fn hash(&self, password: Password) -> Result<String> {
        let place = self.place().await?;
        let work = spawn_blocking(move || {
            let kept = hash(password.0.as_bytes());
            drop(place);
            kept
        });
        work.await.map_err(Error::internal)?
    }

    /// Whether it is the password that is kept. Takes the same time where none is.
    ///
    /// # Errors
    /// 503 where too many others are at it.
    pub async fn matches(&self, password: Password, kept: Option<String>) -> Result<bool> {
        let place = self.place().await?;
        let (known, kept) = (kept.is_some(), kept.unwrap_or_else(|| self.nobodys.to_string()));
        let work = spawn_blocking(move || {
            // Longer ones are of nobody; reading them whole would cost as much as their sender likes.
            let bytes = password.0.as_bytes();
            let bytes = bytes.get(..PASSWORD_BYTES_MAX).unwrap_or(bytes);
            let same = password.0.len() <= PASSWORD_BYTES_MAX && verify(bytes, &kept)?;
            drop(place);
            Ok(same && known)
        });
        work.await.map_err(Error::internal)?
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).acquire_owned();
        let place = timeout(Duration::from_millis(HASH_WAIT_MS_MAX), place).await;
        let busy = || Error::new(Kind::Unavailable, "Too many people sign in just now. Try again.");
        place.map_err(|_| busy())?.map_err(|_| busy())
    }
}

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(HASH_KIB, HASH_PASSES, 1, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8]) -> Result<String> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(Error::internal)?;
    let kept: PasswordHash =
        hasher()?.hash_password_with_salt(password, &salt).map_err(Error::internal)?;
    Ok(kept.to_string())
}

fn verify(password: &[u8], kept: &str) -> Result<bool> {
    let kept = PasswordHash::new(kept).map_err(Error::internal)?;
    Ok(hasher()?.verify_password(password, &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let passwords = Passwords::new().unwrap();
        let password = |text: &str| Password::new(text.to_owned());
        let kept = passwords.hash(password("four good words here")).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        for (typed, kept, same) in [
            ("four good words here", Some(&kept), true),
            ("Four good words here", Some(&kept), false),
            ("", Some(&kept), false),
            ("four good words here", None, false),
            ("of nobody", None, false),
        ] {
            let matches = passwords.matches(password(typed), kept.cloned()).await.unwrap();
            assert_eq!(matches, same, "{typed}");
        }
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert!(!passwords.matches(password(&long), Some(kept)).await.unwrap());
        assert_eq!(format!("{:?}", password("secret")), "Password(…)");
    }

    #[test]
    fn weak_passwords_are_refused() {
        for (text, fit) in [
            ("four good words here", true),
            ("äöü ß äöü ß", true),
            ("short", false),
            (DEMO_PASSWORD, false),
            ("aaaaaaaaaaaaaaaaaaaa", false),
            ("my name is Jane.Doe!", false),
            ("with\ta tab in it", false),
        ] {
            let judged = Password::new(text.to_owned()).expect_fit("jane.doe");
            assert_eq!(judged.is_ok(), fit, "{text}");
        }
        assert!(Password::new("x y".repeat(200)).expect_fit("jane.doe").is_err());
    }

    #[tokio::test]
    async fn who_finds_no_place_is_told_to_come_again() {
        let passwords = Passwords { places: Arc::new(Semaphore::new(0)), nobodys: "".into() };
        let refused = passwords.hash(Password::new("four good words here".to_owned())).await;
        assert_eq!(refused.unwrap_err().kind, Kind::Unavailable);
    }
}
