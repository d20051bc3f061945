//! From files of certificates and keys to what rustls serves with.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::limits::TLS_FILE_BYTES_MAX;
use crate::settings::TlsSettings;

/// What the files hold: compared to see whether they were replaced.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Files {
    pub(super) fn read(settings: &TlsSettings) -> Result<Self> {
        Ok(Self {
            certificate: read(&settings.certificate)?,
            key: read(&settings.key)?,
            client_ca: settings.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// A configuration with a memory of sessions of its own: none that began under other authorities goes on.
    pub(super) fn config(
        &self,
        settings: &TlsSettings,
        protocols: &[&[u8]],
    ) -> Result<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&self.certificate, &settings.certificate)?;
        // The reader's own words would not say which file; and nothing of a key is repeated.
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| anyhow!("{} holds no private key as PEM.", settings.key.display()))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match self.verifier(settings, provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).with_context(|| {
            let (certificate, key) = (settings.certificate.display(), settings.key.display());
            format!("{key} is not the key of the certificate in {certificate}")
        })?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn verifier(
        &self,
        settings: &TlsSettings,
        provider: Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
        let (Some(text), Some(path)) = (&self.client_ca, &settings.client_ca) else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for root in certificates(text, path)? {
            roots.add(root).with_context(|| format!("{} cannot be used", path.display()))?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder =
            if settings.client_required { builder } else { builder.allow_unauthenticated() };
        Ok(Some(builder.build()?))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let name = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("{name} cannot be read"))?.len();
    ensure!(size <= TLS_FILE_BYTES_MAX, "{name} has {size} bytes, too many for certificates.");
    std::fs::read(path).with_context(|| format!("{name} cannot be read"))
}

fn certificates(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| anyhow!("{} cannot be read: {error}.", path.display()))?;
    ensure!(!found.is_empty(), "{} holds no certificates as PEM.", path.display());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn pair() -> (Vec<u8>, Vec<u8>) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        (cert.pem().into(), signing_key.serialize_pem().into())
    }

    #[test]
    fn what_does_not_fit_is_said_and_no_key_is_repeated() {
        let ((certificate, key), (other, other_key)) = (pair(), pair());
        let settings = TlsSettings {
            certificate: "c.pem".into(),
            key: "k.pem".into(),
            client_ca: Some("ca.pem".into()),
            client_required: true,
        };
        let garbled = key.to_ascii_lowercase();
        for (certificate, key, client_ca, expected) in [
            (&certificate, &key, Some(&other), None),
            (&certificate, &key, None, None),
            (&certificate, &other_key, None, Some("k.pem is not the key of the certificate")),
            (&key, &key, None, Some("c.pem holds no certificates")),
            (&certificate, &certificate, None, Some("k.pem holds no private key")),
            (&certificate, &garbled, None, Some("k.pem holds no private key")),
            (&certificate, &key, Some(&key), Some("ca.pem holds no certificates")),
        ] {
            let files = Files {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca: client_ca.cloned(),
            };
            let said = files.config(&settings, &[]).err().map(|error| format!("{error:#}"));
            match (expected, &said) {
                (None, None) => {}
                (Some(part), Some(said)) if said.contains(part) => {
                    assert!(!said.contains("PRIVATE KEY"), "{said}");
                }
                _ => panic!("{expected:?}: {said:?}"),
            }
        }
        let error = Files::read(&settings).err().unwrap().to_string();
        assert!(error.contains("c.pem cannot be read"), "{error}");
    }
}
