//! TLS between `accept` and whatever protocol comes then: HTTP today, other listeners alike.
//!
//! A connection shakes hands in a task of its own, within a time and a number, so that one that says
//! nothing holds up nobody. TLS 1.2 and 1.3 with what rustls takes for safe; there are no settings for
//! ciphers, which are only ever changed for the worse.

mod config;
mod reload;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use rustls::ServerConfig;
use telemetry::Emit;
use telemetry::event::HandshakeFailed;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::limits::{HANDSHAKE_MAX, HANDSHAKES_MAX, HANDSHAKES_OF_ONE_MAX};
use crate::places::Shares;
use crate::settings::TlsSettings;

/// What shakes hands. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Tls {
    /// The newest one: certificates are replaced while the server runs.
    config: watch::Receiver<Arc<ServerConfig>>,
    places: Arc<Semaphore>,
    shares: Shares,
}

impl Tls {
    /// Reads the files, and follows them until told to stop. `protocols` are offered by ALPN, the first most.
    ///
    /// # Errors
    /// In a sentence: a file cannot be read, or does not hold what it should.
    pub(crate) fn start(
        settings: &TlsSettings,
        protocols: &'static [&'static [u8]],
        stop: CancellationToken,
    ) -> Result<(Self, JoinHandle<()>)> {
        let files = config::Files::read(settings)?;
        let (sender, config) = watch::channel(Arc::new(files.config(settings, protocols)?));
        let following = reload::follow(settings.clone(), protocols, files, sender, stop);
        let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        Ok((Self { config, places, shares: Shares::new(HANDSHAKES_OF_ONE_MAX) }, following))
    }

    /// Shakes hands on a connection just accepted, of this address; of none where it is a proxy's. `None` where
    /// nothing came of it, which is told.
    pub(crate) async fn shake_hands<S>(&self, stream: S, of: Option<IpAddr>) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let begun = Instant::now();
        let failed = |reason| {
            HandshakeFailed { reason, elapsed: begun.elapsed() }.emit();
            None
        };
        // Whoever waits for a place would hold a connection as well: better to say no at once.
        let Ok(_place) = self.places.try_acquire() else { return failed("full") };
        let share = of.map(|address| self.shares.take(address));
        if matches!(share, Some(None)) {
            return failed("share");
        }
        let config = Arc::clone(&self.config.borrow());
        match timeout(HANDSHAKE_MAX, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "A handshake failed.");
                failed(reason(&error))
            }
            Err(_) => failed("timeout"),
        }
    }
}

/// One of few words.
fn reason(error: &std::io::Error) -> &'static str {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match fault {
        Some(rustls::Error::NoCertificatesPresented) => "no-certificate",
        Some(rustls::Error::InvalidCertificate(_)) => "certificate",
        Some(rustls::Error::PeerIncompatible(_)) => "incompatible",
        Some(rustls::Error::AlertReceived(_)) => "refused-by-client",
        Some(_) => "no-tls",
        None => "connection",
    }
}

/// Whether the settings' files can be used.
///
/// # Errors
/// As [`Tls::start`].
pub(crate) fn check(settings: &TlsSettings) -> Result<()> {
    config::Files::read(settings)?.config(settings, &[]).map(drop)
}
