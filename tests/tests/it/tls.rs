//! The TLS listener: shakes hands with whoever can, waits for nobody, drains as before.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use client::{Connection, LoadOptions};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::Request;
use hyper::body::{Bytes, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use it::ledger::until;
use it::{Authority, ClientsTls as Clients, Secured, trusting};
use server::limits::HANDSHAKE_MAX;
use server::{Drain, Rates};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

const HERE: &[&str] = &["127.0.0.1"];
const H1: &[&[u8]] = &[b"http/1.1"];
const H2: &[&[u8]] = &[b"h2", b"http/1.1"];
/// Certificates are looked at every two seconds, on a machine that does much else.
const RENEWED_MAX: Duration = Duration::from_secs(20);

/// One request of HTTP/1.1; the whole answer.
pub(crate) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    path: &str,
) -> Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn shakes_hands_and_answers() -> Result<()> {
    let authority = Authority::new("a")?;
    let server = Secured::start(&authority.give(HERE)?, Clients::Unasked).await?;
    assert!(server.origin.starts_with("https://127.0.0.1:"), "{}", server.origin);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.root())?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[version])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut stream = server.shake_hands(config, &[]).await?;
        let answer = ask(&mut stream, "/fhir/metadata").await?;
        assert!(answer.contains("\r\nstrict-transport-security: max-age=63072000\r\n"), "{answer}");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("CapabilityStatement"));
        // Links and documents name the origin that clients reach.
        assert!(answer.contains(&format!("{}/fhir", server.origin)), "{answer}");
    }
    // Who loads is told what is wrong, at once: trying again would change nothing.
    let url = format!("{}/fhir", server.origin);
    let connection = Connection { url, auth: client::Auth::None, ..Connection::default() };
    let inputs = vec!["Cargo.toml".into()];
    let loading = LoadOptions { connection, inputs, ..LoadOptions::default() };
    let said = client::load(loading).await.err().context("loaded")?.to_string();
    assert!(said.contains("a certificate that is not trusted here (invalid peer"), "{said}");
    let stranger = Authority::new("b")?;
    let refused = server.shake_hands(trusting(stranger.root(), None)?, &[]).await;
    assert!(refused.is_err(), "a certificate of nobody known was taken");
    Ok(())
}

/// HTTP/2 by ALPN: many requests on one connection, and HTTP/1.1 for whoever knows only that.
#[tokio::test]
async fn protocols_are_chosen_by_alpn() -> Result<()> {
    let authority = Authority::new("a")?;
    let server = Secured::start(&authority.give(HERE)?, Clients::Unasked).await?;
    let config = trusting(authority.root(), None)?;
    for (offered, chosen) in [(H2, Some(&b"h2"[..])), (H1, Some(&b"http/1.1"[..])), (&[][..], None)]
    {
        let stream = server.shake_hands(config.clone(), offered).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
    }
    assert!(server.shake_hands(config.clone(), &[b"spdy/3"]).await.is_err());

    let stream = server.shake_hands(config, H2).await?;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let asked = (0..50).map(|_| {
        let mut sender = sender.clone();
        let request = Request::get(format!("{}/fhir/metadata", server.origin));
        async move {
            let request = request.body(Empty::<Bytes>::new())?;
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok::<_, anyhow::Error>((status, body.len()))
        }
    });
    for answer in futures::future::join_all(asked).await {
        let (status, bytes) = answer?;
        assert!(status == 200 && bytes > 1_000, "{status}, {bytes} bytes");
    }
    // A head beyond the limit is refused by itself; the connection goes on.
    let long =
        Request::get(format!("{}/healthz", server.origin)).header("x-long", "a".repeat(70_000));
    let mut others = sender.clone();
    let refused = others.send_request(long.body(Empty::new())?).await;
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status() == 431));
    let probe = Request::get(format!("{}/healthz", server.origin)).body(Empty::new())?;
    assert_eq!(others.send_request(probe).await?.status(), 200);
    drop((sender, others));
    driving.await??;
    Ok(())
}

/// Whoever says nothing, or half of a greeting, holds up nobody, and is closed in time.
#[tokio::test]
async fn slow_handshakes_wait_alone() -> Result<()> {
    let authority = Authority::new("a")?;
    let server = Secured::start(&authority.give(HERE)?, Clients::Unasked).await?;
    let begun = Instant::now();
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut stream = server.connect().await?;
        // The beginning of a greeting that announces 512 bytes.
        if number % 2 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1, 0]).await?;
        }
        slow.push(stream);
    }
    let config = trusting(authority.root(), None)?;
    let mut stream = server.shake_hands(config, H1).await?;
    assert!(ask(&mut stream, "/healthz").await?.starts_with("HTTP/1.1 200"));
    assert!(begun.elapsed() < HANDSHAKE_MAX, "others waited for them");
    for stream in &mut slow {
        let mut said = Vec::new();
        let closed = timeout(HANDSHAKE_MAX * 3, stream.read_to_end(&mut said)).await;
        closed.context("a silent connection stays open")?.ok();
        assert!(said.is_empty(), "{said:?}");
    }
    Ok(())
}

/// A handshake counts as a request of its address, for it costs more than most: connections beyond are closed. A
/// proxy's are many people's, and are not counted.
#[tokio::test]
async fn handshakes_are_throttled() -> Result<()> {
    let authority = Authority::new("a")?;
    let config = trusting(authority.root(), None)?;
    for (trusted_proxies, limited) in [(Vec::new(), true), (vec!["127.0.0.1".parse()?], false)] {
        let server = Secured::start_with(&authority.give(HERE)?, Clients::Unasked, |it| {
            it.throttle = Rates { address: 1, burst_s: 5, ..Rates::default() };
            it.http.trusted_proxies = trusted_proxies;
        })
        .await?;
        let begun = Instant::now();
        let mut shaken = 0.0;
        for _ in 0..60 {
            if server.shake_hands(config.clone(), H1).await.is_ok() {
                shaken += 1.0;
            }
        }
        let most = if limited { 6.0 + begun.elapsed().as_secs_f64() } else { 60.0 };
        assert!((5.0..=most).contains(&shaken), "{shaken} of at most {most}");
        assert_eq!(shaken < 60.0, limited);
    }
    Ok(())
}

/// HTTP without TLS gets an alert of TLS at most: no page, no redirect, nothing of what was sent.
#[tokio::test]
async fn the_clear_is_answered_with_nothing() -> Result<()> {
    let authority = Authority::new("a")?;
    let server = Secured::start(&authority.give(HERE)?, Clients::Unasked).await?;
    for sent in [
        &b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x0bMSH|^~\\&|\x1c\r",
        &[0; 4_096],
    ] {
        let mut stream = server.connect().await?;
        stream.write_all(sent).await?;
        let mut said = Vec::new();
        let closed = timeout(HANDSHAKE_MAX, stream.read_to_end(&mut said)).await;
        closed.context("it stays open")?.ok();
        let is_alert = matches!(said.as_slice(), [21, 3, _, 0, 2, 2, _]);
        assert!(said.is_empty() || is_alert, "{said:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_in_flight_is_answered_and_half_a_handshake_is_not_waited_for() -> Result<()> {
    let authority = Authority::new("a")?;
    let mut server = Secured::start(&authority.give(HERE)?, Clients::Unasked).await?;
    let config = trusting(authority.root(), None)?;
    let body = "grant_type=password";

    let mut first = server.shake_hands(config.clone(), H1).await?;
    let head = format!(
        "POST /auth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    first.write_all(head.as_bytes()).await?;
    let mut buffer = [0; 64];
    let n = first.read(&mut buffer).await?;
    assert!(buffer[..n].starts_with(b"HTTP/1.1 100"), "{:?}", &buffer[..n]);

    let second = server.shake_hands(config.clone(), H2).await?;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(second)).await?;
    let driving = tokio::spawn(connection);
    let (mut sending, receiving) = futures::channel::mpsc::channel::<Result<_, std::io::Error>>(1);
    let request = Request::post(format!("{}/auth/token", server.origin))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(BodyExt::boxed(StreamBody::new(receiving)))?;
    let answering = tokio::spawn(sender.send_request(request));
    // Requests of a connection are taken in their order: when this one is answered, that one is in flight.
    let probe = Request::get(format!("{}/healthz", server.origin));
    let empty = Full::<Bytes>::default().map_err(std::io::Error::other).boxed();
    assert_eq!(sender.send_request(probe.body(empty)?).await?.status(), 200);
    let silent = server.connect().await?;

    let begun = Instant::now();
    let stopping = tokio::spawn(async move { (server.stop().await, server) });
    // It takes nobody new: then the drain has begun.
    let refused =
        async || silent.peer_addr().is_ok_and(|at| std::net::TcpStream::connect(at).is_err());
    until("the server takes nothing new", HANDSHAKE_MAX, refused).await?;
    first.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    first.read_to_string(&mut answer).await?;
    assert!(answer.contains("HTTP/1.1 400") && answer.contains("unsupported_grant_type"));
    sending.try_send(Ok(Frame::data(Bytes::from(body))))?;
    drop(sending);
    let answer = answering.await??;
    assert_eq!(answer.status(), 400);
    let text = answer.into_body().collect().await?.to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("unsupported_grant_type"));
    let (drain, _server) = stopping.await?;
    assert_eq!(drain?, Drain::Complete);
    assert!(begun.elapsed() < HANDSHAKE_MAX, "it waited for a handshake");
    drop((sender, driving.await?));
    Ok(())
}

/// New certificates are taken while the server runs; connections keep what they began with.
#[tokio::test]
async fn certificates_are_renewed_without_a_restart() -> Result<()> {
    let (before, after) = (Authority::new("a")?, Authority::new("b")?);
    let server = Secured::start(&before.give(HERE)?, Clients::Unasked).await?;
    let (old, new) = (trusting(before.root(), None)?, trusting(after.root(), None)?);
    let mut kept = server.shake_hands(old.clone(), H1).await?;
    assert!(server.shake_hands(new.clone(), H1).await.is_err());
    server.renew(&after.give(HERE)?)?;
    until("the new certificate is in use", RENEWED_MAX, async || {
        server.shake_hands(new.clone(), H1).await.is_ok()
    })
    .await?;
    assert!(server.shake_hands(old, H1).await.is_err());
    assert!(ask(&mut kept, "/healthz").await?.starts_with("HTTP/1.1 200"));
    Ok(())
}
