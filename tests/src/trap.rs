//! A listener that counts who comes: for tests in which nobody may.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::authority::Identity;

/// What a trap does after its answer.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// Closes.
    Close,
    /// Keeps the connection, and says nothing more.
    Hold,
    /// Says this over and over until the other side has had enough.
    Repeat(&'static str),
}

/// A listener with one answer for everybody. Dropping it ends it.
#[derive(Debug)]
pub struct Trap {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    listening: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    peers: Vec<SocketAddr>,
    heads: Vec<String>,
}

impl Trap {
    /// Listens in the clear at an address such as `127.0.0.1:0`.
    ///
    /// # Errors
    /// It is taken.
    pub async fn clear(address: &str, answer: &str, then: Then) -> Result<Self> {
        Self::open(address, answer, then, None).await
    }

    /// Listens for TLS.
    ///
    /// # Errors
    /// As [`Trap::clear`]; or the identity is unusable.
    pub async fn tls(address: &str, identity: &Identity, answer: &str, then: Then) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(identity.chain(), identity.key()?)?;
        Self::open(address, answer, then, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn open(
        address: &str,
        answer: &str,
        then: Then,
        tls: Option<TlsAcceptor>,
    ) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (seen, answer) = (Arc::<Mutex<Seen>>::default(), Arc::<str>::from(answer));
        let known = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                lock(&known).peers.push(peer);
                let (known, answer, tls) = (Arc::clone(&known), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &known, &answer, then).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &known, &answer, then).await,
                            Err(error) => Err(error),
                        },
                    }
                });
            }
        });
        Ok(Self { address, seen, listening })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many have connected so far. Connects itself, so that whoever came before is counted.
    ///
    /// # Errors
    /// It does not listen any more.
    pub async fn connections(&self) -> Result<usize> {
        let own = TcpStream::connect(self.address).await?;
        let name = own.local_addr()?;
        while !self.forget(name) {
            ensure!(!self.listening.is_finished(), "the trap has closed");
            tokio::task::yield_now().await;
        }
        Ok(lock(&self.seen).peers.len())
    }

    /// Whether a peer has come; it is not counted any more.
    fn forget(&self, name: SocketAddr) -> bool {
        let mut seen = lock(&self.seen);
        let at = seen.peers.iter().position(|peer| *peer == name);
        at.map(|at| seen.peers.remove(at)).is_some()
    }

    /// The heads of the requests that came, as they came.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        lock(&self.seen).heads.clone()
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Seen>,
    answer: &str,
    then: Then,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(()),
        }
    }
    lock(seen).heads.push(String::from_utf8_lossy(&head).into_owned());
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    match then {
        Then::Close => stream.shutdown().await,
        Then::Hold => std::future::pending().await,
        Then::Repeat(more) => loop {
            stream.write_all(more.as_bytes()).await?;
        },
    }
}
