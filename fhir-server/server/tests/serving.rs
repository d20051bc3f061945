//! A server in this process, over TCP: probes, refusals, and an end that loses nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use cluster::Cluster;
use server::{DatabaseSettings, DatabaseUrl, Drain, Running, Settings, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn settings(cluster: &Cluster) -> Settings {
    let url = Some(DatabaseUrl::new(cluster.url("postgres")));
    Settings {
        database: DatabaseSettings { url, connections: 4, reserve_mib: 1, ..Default::default() },
        ..Settings::default()
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn started(cluster: &Cluster) -> Running {
    store::migrate(&cluster.url("postgres")).await.unwrap();
    start(settings(cluster), listener().await).await.unwrap()
}

/// One request on a connection of its own; the whole answer.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn answers_probes_and_names_every_request() {
    let cluster = Cluster::temporary().unwrap();
    let running = started(&cluster).await;
    for (request, expected) in [
        ("GET /healthz HTTP/1.1", &["HTTP/1.1 200", "\r\nx-request-id: ", "\r\n\r\nok\n"][..]),
        ("GET /readyz HTTP/1.1", &["HTTP/1.1 200", "\"ready\":true"]),
        ("GET /metrics HTTP/1.1", &["HTTP/1.1 200", "text/plain; version=0.0.4"]),
        ("GET /nowhere HTTP/1.1\r\nX-Request-Id: a-1", &["HTTP/1.1 404", "x-request-id: a-1\r\n"]),
        ("GET /fhir/Patient HTTP/1.1\r\nX-Request-Id: b:2", &["HTTP/1.1 401", "x-request-id: b:2"]),
        ("GET /fhir/metadata HTTP/1.1", &["HTTP/1.1 200", "\"CapabilityStatement\""]),
        ("GET /auth/jwks HTTP/1.1", &["HTTP/1.1 200", "\"ES256\"", "x-request-id: "]),
        ("nonsense", &["HTTP/1.1 400"]),
    ] {
        let answer = ask(running.address, request).await;
        for part in expected {
            assert!(answer.contains(part), "{request}: {part:?} is not in {answer}");
        }
    }
    let address = running.address;
    assert_eq!(running.stop().await, Drain::Complete);
    assert!(TcpStream::connect(address).await.is_err(), "it still listens");
}

#[tokio::test]
async fn what_is_in_flight_is_answered_after_the_word_to_stop() {
    let cluster = Cluster::temporary().unwrap();
    let running = started(&cluster).await;
    let mut busy = TcpStream::connect(running.address).await.unwrap();
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let body = "grant_type=password";
    let head = format!(
        "POST /auth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 64];
    // The server says so when the handler waits for the body: the request is in flight.
    let n = busy.read(&mut buffer).await.unwrap();
    assert!(buffer[..n].starts_with(b"HTTP/1.1 100"), "{:?}", &buffer[..n]);
    let stopping = tokio::spawn(running.stop());
    // An idle connection is closed by the drain: then it has begun.
    assert_eq!(idle.read(&mut buffer).await.unwrap(), 0);
    busy.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("unsupported_grant_type"), "{answer}");
    assert_eq!(stopping.await.unwrap(), Drain::Complete);
}

#[tokio::test]
async fn a_database_without_schema_is_refused_with_the_command_to_run() {
    let cluster = Cluster::temporary().unwrap();
    let refused = start(settings(&cluster), listener().await).await.unwrap_err();
    assert!(refused.to_string().contains("`carebridge migrate`"), "{refused}");
}

#[tokio::test]
async fn readiness_follows_the_database() {
    let mut cluster = Cluster::temporary().unwrap();
    let running = started(&cluster).await;
    cluster.kill9();
    let answer = ask(running.address, "GET /readyz HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("away"), "{answer}");
    let answer = ask(running.address, "GET /healthz HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    cluster.start().unwrap();
    // Known for a second at most; each question takes some of it.
    let began = std::time::Instant::now();
    while !ask(running.address, "GET /readyz HTTP/1.1").await.starts_with("HTTP/1.1 200") {
        assert!(began.elapsed().as_secs() < 30, "it does not come back");
    }
    running.stop().await;
}
