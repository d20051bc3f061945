//! Clients that go away in the middle of a write: no session stays in a transaction, the pool stays
//! whole, and what they wrote is there once or not at all.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use it::ledger::{Ledger, Operation, Outcome, ServerProcess, quiet, report, rounds, seed, verify};
use it::{Answer, Client, Database};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Clients at once: more than the server has connections to its database.
const CLIENTS: usize = 16;
/// With so many at once a write takes tens of milliseconds; patience ends anywhere within.
const PATIENCE_US_MAX: u64 = 60_000;

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    /// Before the body is whole.
    MidBody,
    /// As soon as everything is sent.
    AtOnce,
    /// While it waits for the answer, after so many microseconds.
    Waiting(u64),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_leave_in_the_middle_of_writes() -> Result<()> {
    let leavings = rounds(50, 1_000);
    let database = Database::create().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    let (client, ledger) = (server.client().await?, Ledger::default());
    let address = server.origin.trim_start_matches("http://");
    let mut rng = fastrand::Rng::with_seed(seed());
    let operations: Vec<(Operation, Leaving)> = (0..leavings)
        .map(|_| {
            let leaving = match rng.u8(..4) {
                0 => Leaving::MidBody,
                1 => Leaving::AtOnce,
                _ => Leaving::Waiting(rng.u64(..PATIENCE_US_MAX)),
            };
            (Operation::random(&mut rng, &HashMap::new()), leaving)
        })
        .collect();
    stream::iter(&operations)
        .map(|(operation, leaving)| leave(&client, address, &ledger, operation, *leaving))
        .buffer_unordered(CLIENTS)
        .try_collect::<Vec<()>>()
        .await?;
    // At once, before anything could time out: nobody sits in a transaction, everybody is served.
    quiet(&mut database.connect().await?).await?;
    let later = try_join_all((0..2 * CLIENTS).map(|_| {
        let mut rng = rng.fork();
        let (client, ledger) = (&client, &ledger);
        async move { create(client, ledger, &mut rng).await }
    }))
    .await?;
    assert!(later.iter().all(|status| *status == 201), "{later:?}");
    // What clients left behind may still be at work; the book is held against what stands when all has ended.
    server.terminate().await?;
    ensure!(server.wait().await?.success(), "{}", server.said());
    let verdict = verify(&database.url, &ledger).await?;
    report(&format!("clients that leave in the middle of a write ×{leavings}"), &verdict, &[]);
    Ok(())
}

async fn leave(
    client: &Client,
    address: &str,
    ledger: &Ledger,
    operation: &Operation,
    leaving: Leaving,
) -> Result<()> {
    let place = ledger.sending(&operation.id, operation.writes);
    let request = operation.request(client, &operation.id);
    let outcome = match leaving {
        Leaving::Waiting(patience) => {
            let patience = Duration::from_micros(patience);
            match timeout(patience, Answer::of(request)).await {
                Ok(Ok(answer)) => operation.outcome(&answer)?,
                Ok(Err(fault)) => Outcome::unanswered(&fault),
                Err(_) => Outcome::Unknown,
            }
        }
        Leaving::AtOnce | Leaving::MidBody => {
            let request = request.build()?;
            let text = written_out(&request).context("a request with a body")?;
            let whole = matches!(leaving, Leaving::AtOnce) || operation.body.is_empty();
            let sent = if whole { text.len() } else { text.len() - operation.body.len() / 2 };
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(text.as_bytes().get(..sent).unwrap_or_default()).await?;
            drop(stream);
            if whole { Outcome::Unknown } else { Outcome::NotSent }
        }
    };
    ledger.answered(place, outcome);
    Ok(())
}

/// The request as it goes over the wire.
fn written_out(request: &reqwest::Request) -> Option<String> {
    let body = std::str::from_utf8(request.body()?.as_bytes()?).ok()?;
    let mut text =
        format!("{} {} HTTP/1.1\r\nhost: it\r\n", request.method(), request.url().path());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().ok()?));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    Some(text)
}

async fn create(client: &Client, ledger: &Ledger, rng: &mut fastrand::Rng) -> Result<u16> {
    let plain = |operation: &Operation| {
        operation.path == "/Patient"
            && operation.headers.is_empty()
            && operation.method == "POST"
            && !operation.body.contains("birthDate\":\"no")
    };
    let mut random = std::iter::repeat_with(|| Operation::random(rng, &HashMap::new()));
    let operation = random.find(plain).context("a create")?;
    let place = ledger.sending(&operation.id, operation.writes);
    let answer = Answer::of(operation.request(client, &operation.id)).await?;
    ledger.answered(place, operation.outcome(&answer)?);
    Ok(answer.status)
}
