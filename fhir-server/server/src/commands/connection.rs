//! The flags of commands that speak to a FHIR server: where it is and how they sign in.

use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;
use client::{Auth, Connection, Retry};

use crate::fault::Usage;

/// The server. Without flags: the one that `carebridge dev` starts here, as its demo client.
#[derive(Args)]
pub(crate) struct ConnectionFlags {
    /// The FHIR base; by default /fhir below CAREBRIDGE_BASE_URL, else below CAREBRIDGE_LISTEN
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The client to sign in as, by client credentials
    #[arg(long, env = "CAREBRIDGE_CLIENT_ID", value_name = "ID", default_value = "dev-backend")]
    #[arg(hide_env_values = true)]
    client_id: String,
    /// Its secret; others can see flags, so rather set the variable
    #[arg(long, env = "CAREBRIDGE_CLIENT_SECRET", value_name = "SECRET")]
    #[arg(default_value = "dev-secret", hide_env_values = true)]
    client_secret: String,
    /// An access token to use as it is, in place of a client
    #[arg(long, env = "CAREBRIDGE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    #[arg(conflicts_with_all = ["client_id", "client_secret", "no_auth"])]
    token: Option<String>,
    /// Send no token at all
    #[arg(long)]
    no_auth: bool,
    #[arg(long, hide = true, env = "CAREBRIDGE_BASE_URL")]
    base_url: Option<String>,
    #[arg(long, hide = true, env = "CAREBRIDGE_LISTEN")]
    listen: Option<SocketAddr>,
}

impl ConnectionFlags {
    /// The connection that they describe.
    ///
    /// # Errors
    /// Usage, where --url is none.
    pub(crate) fn connection(self) -> Result<Connection> {
        if let Some(url) = self.url.as_deref().filter(|url| !is_url(url)) {
            return Err(Usage(format!("--url: {url:?} is not an http or https URL.")).into());
        }
        let usual = Connection::default();
        let base = self.base_url.map(|url| format!("{}/fhir", url.trim_end_matches('/')));
        let listen = self.listen.map(|address| format!("http://{address}/fhir"));
        let auth = match (self.no_auth, self.token) {
            (true, _) => Auth::None,
            (false, Some(token)) => Auth::Token(token),
            (false, None) => Auth::client(&self.client_id, &self.client_secret),
        };
        let url = self.url.or(base).or(listen).unwrap_or(usual.url);
        Ok(Connection { url, auth, retry: Retry::default() })
    }
}

fn is_url(text: &str) -> bool {
    let uri = text.parse::<http::Uri>().ok();
    uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
}

impl std::fmt::Debug for ConnectionFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionFlags").field("url", &self.url).finish_non_exhaustive()
    }
}
