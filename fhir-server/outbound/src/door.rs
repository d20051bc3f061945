//! The door: judges a URL, resolves its host once, judges the addresses, and calls one of those.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Full;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use telemetry::Emit;
use telemetry::event::OutboundCalled;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::address::class;
use crate::allow::Allow;
use crate::call::{Answer, Call};
use crate::fault::Fault;
use crate::host::Host;
use crate::limits::{ADDRESSES_MAX, CALL_MAX, CALLS_MAX};
use crate::resolve::{Resolve, System};
use crate::target::{Origin, Target};
use crate::wire;

/// What a door is told.
pub struct Options {
    /// Hosts that may have a private address, or be spoken to in the clear.
    pub allow: Allow,
    /// Authorities that are trusted beside those of the machine.
    pub roots: Vec<CertificateDer<'static>>,
    /// Who knows the addresses of names; only tests choose another.
    pub resolver: Arc<dyn Resolve>,
}

impl Default for Options {
    fn default() -> Self {
        Self { allow: Allow::default(), roots: Vec::new(), resolver: Arc::new(System) }
    }
}

/// The door. Clones are the same one.
#[derive(Clone)]
pub struct Outbound(Arc<Parts>);

struct Parts {
    options: Options,
    /// Made at the first call: reading a machine's authorities takes milliseconds.
    tls: OnceLock<Option<Arc<ClientConfig>>>,
    places: Semaphore,
}

impl Outbound {
    /// Puts a door together.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let places = Semaphore::new(CALLS_MAX);
        Self(Arc::new(Parts { options, tls: OnceLock::new(), places }))
    }

    /// Whether a URL could be called, by its text alone: for whoever keeps one for later. Its host is not
    /// resolved, for the answer would not hold later.
    ///
    /// # Errors
    /// It could not.
    pub fn expect(&self, url: &str) -> Result<(), Fault> {
        let Target { origin, .. } = Target::parse(url)?;
        self.0.options.allow.expect_scheme(&origin)?;
        match origin.host {
            Host::Address(address) => self.0.judge(&origin, address),
            Host::Name(_) => Ok(()),
        }
    }

    /// Sends a call and reads its answer to the end, within [`CALL_MAX`].
    ///
    /// # Errors
    /// The URL may not be called, or there was no answer of the kind; nothing was sent to a host that may
    /// not be reached.
    pub async fn call(&self, call: Call) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let work = async {
            // The semaphore is never closed.
            let _place = self.0.places.acquire().await;
            self.0.send(call).await
        };
        let answer = timeout(CALL_MAX, work).await.unwrap_or(Err(Fault::Timeout));
        let outcome = answer.as_ref().err().map_or("ok", Fault::as_str);
        OutboundCalled { outcome, elapsed: begun.elapsed() }.emit();
        answer
    }
}

impl Parts {
    async fn send(&self, call: Call) -> Result<Answer, Fault> {
        let Target { origin, path } = Target::parse(&call.url)?;
        self.options.allow.expect_scheme(&origin)?;
        let authority = header(&origin.authority())?;
        let Call { method, accept, content, credential, .. } = call;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, authority)
            .header(USER_AGENT, "carebridge")
            .header(ACCEPT, accept)
            .header(ACCEPT_ENCODING, "identity");
        if let Some(credential) = credential {
            request = request.header(AUTHORIZATION, credential.show(&origin)?);
        }
        let body = match content {
            Some((media_type, body)) => {
                request = request.header(CONTENT_TYPE, media_type);
                body
            }
            None => bytes::Bytes::new(),
        };
        let request = request.body(Full::new(body)).map_err(|_| Fault::Url("it is no URL"))?;
        let stream = wire::connect(&self.addresses(&origin).await?).await?;
        match origin.tls {
            true => {
                let stream = wire::shake_hands(self.tls()?, &origin.host, stream).await?;
                wire::exchange(stream, request).await
            }
            false => wire::exchange(stream, request).await,
        }
    }

    /// Where to connect to. One address that may not be reached refuses them all: whoever answers so for a
    /// name is trying something.
    async fn addresses(&self, origin: &Origin) -> Result<Vec<SocketAddr>, Fault> {
        let mut found = match &origin.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let found = self.options.resolver.resolve(name).await;
                found.map_err(|error| Fault::Resolve(Some(error)))?
            }
        };
        if found.is_empty() {
            return Err(Fault::Resolve(None));
        }
        if found.len() > ADDRESSES_MAX {
            return Err(Fault::Address);
        }
        found.iter().try_for_each(|address| self.judge(origin, *address))?;
        let mut known = Vec::with_capacity(found.len());
        found.retain(|address| {
            let new = !known.contains(address);
            known.push(*address);
            new
        });
        Ok(found.into_iter().map(|address| SocketAddr::new(address, origin.port)).collect())
    }

    fn judge(&self, origin: &Origin, address: IpAddr) -> Result<(), Fault> {
        match self.options.allow.reaches(origin, class(address)) {
            true => Ok(()),
            false => Err(Fault::Address),
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, Fault> {
        let config = self.tls.get_or_init(|| config(&self.options.roots).map(Arc::new));
        config.clone().ok_or(Fault::NoRoots)
    }
}

/// TLS 1.2 or 1.3, with the machine's authorities and those of the settings.
fn config(more: &[CertificateDer<'static>]) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in native.errors {
        tracing::warn!(%error, "Certificates of authorities could not be read.");
    }
    roots.add_parsable_certificates(native.certs);
    roots.add_parsable_certificates(more.iter().cloned());
    if roots.is_empty() {
        tracing::error!("No certificates of authorities are installed: no URL can be called.");
        return None;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(config)
}

fn header(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_| Fault::Url("its host is no name"))
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("allow", &self.0.options.allow).finish_non_exhaustive()
    }
}
