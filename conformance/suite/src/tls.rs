//! A handshake of a version of TLS that servers must no longer speak (RFC 8996), which no library offers any more: a
//! `ClientHello` by hand.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Record types (RFC 5246, section 6.2.1).
const HANDSHAKE: u8 = 22;

/// Whether the server at the URL refuses the version: an alert, or the end of the connection.
///
/// # Errors
/// Where it cannot be reached, or says nothing in time.
pub(crate) async fn refuses(version: &str, url: &str, patience: Duration) -> Result<bool> {
    let minor = match version {
        "1.0" => 1,
        "1.1" => 2,
        _ => bail!("TLS {version} cannot be tried"),
    };
    let url = reqwest::Url::parse(url)?;
    let host = url.host_str().context("the URL has no host")?;
    let port = url.port_or_known_default().context("the URL has no port")?;
    let speak = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&hello(minor)).await?;
        let mut first = [0_u8; 1];
        // The end of the connection, in whatever way, is a refusal.
        let read = stream.read(&mut first).await.unwrap_or(0);
        Ok::<_, std::io::Error>(read == 0 || first != [HANDSHAKE])
    };
    timeout(patience, speak).await.context("the server said nothing")?.context("no connection")
}

/// A `ClientHello` with two suites that were common then.
fn hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([0x5a; 32]); // random
    body.extend([0, 0, 4, 0xc0, 0x13, 0x00, 0x2f, 1, 0]); // no session, two suites, no compression
    // Supported groups: P-256. Point formats: uncompressed.
    body.extend([0, 14, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0]);
    let mut handshake = vec![1, 0];
    handshake.extend(length(body.len()));
    handshake.extend(body);
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend(length(handshake.len()));
    record.extend(handshake);
    record
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}
