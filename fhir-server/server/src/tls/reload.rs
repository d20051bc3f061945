//! Certificates are renewed every few weeks, and nobody restarts a server for it: the files are looked at,
//! and what they hold now is taken where it can be used.
//!
//! They are compared by content: it does not matter whether they were written anew, renamed, or are links
//! into a volume that was replaced as a whole. A pair that does not fit yet, because only one was
//! written, is passed over; the next look finds both. Connections keep what they began with.

use std::sync::Arc;

use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::config::Files;
use crate::limits::TLS_LOOK_EVERY;
use crate::settings::TlsSettings;

/// Follows the files until told to stop.
pub(super) fn follow(
    settings: TlsSettings,
    protocols: &'static [&'static [u8]],
    mut used: Files,
    sender: watch::Sender<Arc<ServerConfig>>,
    stop: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(TLS_LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What is wrong with the files is said once, not at every look.
        let mut said = String::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let paths = settings.clone();
            let Ok(found) = spawn_blocking(move || Files::read(&paths)).await else { continue };
            let built = match found {
                Ok(files) if files == used => continue,
                Ok(files) => files.config(&settings, protocols).map(|config| (files, config)),
                Err(error) => Err(error),
            };
            match built {
                Ok((files, config)) => {
                    sender.send_replace(Arc::new(config));
                    (used, said) = (files, String::new());
                    tracing::info!("New certificates are in use.");
                }
                Err(error) => {
                    let text = format!("{error:#}");
                    if text != said {
                        tracing::error!(error = text, "New certificates cannot be used.");
                        said = text;
                    }
                }
            }
        }
    })
}
