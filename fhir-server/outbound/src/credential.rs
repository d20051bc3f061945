//! A secret that is for one host, and is never shown to another.

use std::fmt;

use http::HeaderValue;

use crate::fault::Fault;
use crate::target::Origin;

/// The value of `Authorization` for one origin: scheme, host and port, each as it was given. It prints nothing
/// of itself.
#[derive(Clone)]
pub struct Credential {
    origin: Origin,
    value: HeaderValue,
}

impl Credential {
    /// Binds a value, as `Bearer …`, to an origin, as `https://keys.example.org`.
    ///
    /// # Errors
    /// The origin is none; the value is no header.
    pub fn new(origin: &str, value: &str) -> Result<Self, Fault> {
        let origin = Origin::parse(origin)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| Fault::Credential)?;
        value.set_sensitive(true);
        Ok(Self { origin, value })
    }

    /// The value, for its own origin.
    ///
    /// # Errors
    /// It is for another.
    pub(crate) fn show(&self, to: &Origin) -> Result<HeaderValue, Fault> {
        match self.origin == *to {
            true => Ok(self.value.clone()),
            false => Err(Fault::Credential),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_to_its_own_origin_alone() {
        let credential = Credential::new("https://trusted.example", "Bearer hunter2").unwrap();
        assert!(!format!("{credential:?}").contains("hunter2"));
        for (origin, shown) in [
            ("https://trusted.example", true),
            ("https://TRUSTED.example:443", true),
            ("http://trusted.example", false),
            ("https://trusted.example:8443", false),
            ("https://trusted.example.evil.example", false),
            ("https://trusted.examples", false),
            ("https://a.trusted.example", false),
        ] {
            let origin = Origin::parse(origin).unwrap();
            let value = credential.show(&origin);
            assert_eq!(value.is_ok(), shown, "{origin:?}");
            assert!(!format!("{value:?}").contains("hunter2"));
        }
        assert!(Credential::new("https://trusted.example/path", "x").is_err());
        assert!(Credential::new("https://trusted.example", "a\r\nb").is_err());
    }
}
