//! A server in this process that speaks TLS, with an authority of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use auth::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig as TlsConfig, RootCertStore};
use server::{DatabaseSettings, Drain, Running, Settings, TlsSettings};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::{Authority, Identity};
use crate::database::Database;

/// A running server behind TLS. Dropping it ends it.
#[derive(Debug)]
pub struct Secured {
    /// `https://127.0.0.1:…`.
    pub origin: String,
    folder: PathBuf,
    running: Option<Running>,
}

/// Whose certificates of clients are taken.
#[derive(Clone, Copy, Debug)]
pub enum Clients<'a> {
    /// Nobody is asked for one.
    Unasked,
    /// Those of an authority; none will do too.
    Asked(&'a Authority),
    /// Those of an authority, and no others.
    Required(&'a Authority),
}

impl Secured {
    /// Starts one with this certificate.
    ///
    /// # Errors
    /// No database can be had, or the server does not start.
    pub async fn start(identity: &Identity, clients: Clients<'_>) -> Result<Self> {
        Self::start_with(identity, clients, |_| ()).await
    }

    /// Starts one with other settings than the usual.
    ///
    /// # Errors
    /// As [`Secured::start`].
    pub async fn start_with(
        identity: &Identity,
        clients: Clients<'_>,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carebridge-tls-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        replace(&folder, identity)?;
        let (authority, client_required) = match clients {
            Clients::Unasked => (None, false),
            Clients::Asked(authority) => (Some(authority), false),
            Clients::Required(authority) => (Some(authority), true),
        };
        let client_ca = authority.map(|_| folder.join("clients.pem"));
        if let (Some(authority), Some(path)) = (authority, &client_ca) {
            std::fs::write(path, authority.pem())?;
        }
        let (certificate, key) = (folder.join("server.pem"), folder.join("server-key.pem"));
        let database = Database::create().await?;
        let mut settings = Settings {
            database: DatabaseSettings {
                url: Some(database.url.parse()?),
                connections: 4,
                reserve_mib: 0,
                ..DatabaseSettings::default()
            },
            clients: vec![ClientConfig::demo()?],
            ..Settings::default()
        };
        settings.http.tls = Some(TlsSettings { certificate, key, client_ca, client_required });
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let running = server::start(settings, listener).await?;
        Ok(Self { origin: running.origin.clone(), folder, running: Some(running) })
    }

    /// Puts another certificate in the place of the one that it began with.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn renew(&self, identity: &Identity) -> Result<()> {
        replace(&self.folder, identity)
    }

    /// A connection without TLS.
    ///
    /// # Errors
    /// It does not listen.
    pub async fn connect(&self) -> Result<TcpStream> {
        Ok(TcpStream::connect(self.origin.trim_start_matches("https://")).await?)
    }

    /// A connection that has shaken hands, with these protocols offered by ALPN.
    ///
    /// # Errors
    /// The server does not, or is not trusted.
    pub async fn shake_hands(
        &self,
        config: TlsConfig,
        protocols: &[&[u8]],
    ) -> Result<TlsStream<TcpStream>> {
        let mut config = config;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("127.0.0.1")?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(connector.connect(name, self.connect().await?).await?)
    }

    /// Ends it as SIGTERM would.
    ///
    /// # Errors
    /// It was ended before.
    pub async fn stop(&mut self) -> Result<Drain> {
        Ok(self.running.take().context("the server is stopped")?.stop().await)
    }
}

/// A client that trusts one authority, and shows a certificate where it has one.
///
/// # Errors
/// One of them is unusable.
pub fn trusting(root: CertificateDer<'static>, own: Option<&Identity>) -> Result<TlsConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = TlsConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(match own {
        Some(own) => builder.with_client_auth_cert(own.chain(), own.key()?)?,
        None => builder.with_no_client_auth(),
    })
}

/// Key first, then certificate: the server may look in between.
fn replace(folder: &Path, identity: &Identity) -> Result<()> {
    for (name, text) in [("server-key.pem", identity.key_pem()), ("server.pem", identity.pem())] {
        let draft = folder.join(format!("{name}.new"));
        std::fs::write(&draft, text)?;
        std::fs::rename(draft, folder.join(name))?;
    }
    Ok(())
}

impl Drop for Secured {
    fn drop(&mut self) {
        // Left behind only where the temporary directory itself fails.
        std::fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}
