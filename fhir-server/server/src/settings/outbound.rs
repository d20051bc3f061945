//! Where URLs out of data may lead, and whom this server trusts there.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use outbound::{Allow, Options, Outbound};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Where URLs out of data may lead.
#[derive(Clone, Debug, Default)]
pub struct OutboundSettings {
    /// Hosts that may be of a private network, as [`Allow::parse`] reads them.
    pub allow: Vec<String>,
    /// A file of authorities, as PEM, that are trusted beside those of the machine.
    pub ca_file: Option<PathBuf>,
}

impl OutboundSettings {
    /// The one door for URLs out of data.
    ///
    /// # Errors
    /// In a sentence: an entry is no host, or the file holds no certificates.
    pub fn door(&self) -> Result<Outbound> {
        let allow = Allow::parse(self.allow.iter().map(String::as_str)).context(
            "`allow` under `[outbound]` must list hosts such as \"keys.hospital.internal\"",
        )?;
        let roots = self.ca_file.as_ref().map(authorities).transpose()?.unwrap_or_default();
        Ok(Outbound::new(Options { allow, roots, ..Options::default() }))
    }
}

fn authorities(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>> {
    let roots = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            anyhow!("Certificates cannot be read from {}: {error}.", path.display())
        })?;
    ensure!(!roots.is_empty(), "{} holds no certificates as PEM.", path.display());
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_is_said() {
        for (entry, good) in [
            ("keys.hospital.internal", true),
            ("http://10.1.2.3:8080", true),
            ("[fd00::1]:8443", true),
            ("*.hospital.internal", false),
            ("10.0.0.0/8", false),
            ("https://keys.hospital.internal/path", false),
        ] {
            let settings = OutboundSettings { allow: vec![entry.to_owned()], ca_file: None };
            assert_eq!(settings.door().is_ok(), good, "{entry}");
        }
        let ca_file = Some(PathBuf::from("nowhere.pem"));
        let error = OutboundSettings { allow: Vec::new(), ca_file }.door().unwrap_err();
        assert!(error.to_string().contains("nowhere.pem"), "{error}");
    }
}
