//! A client that writes until it is told to stop, and the many that do so at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::book::{Ledger, Outcome};
use super::operation::Operation;
use super::process::{CLIENT, SECRET, is_ready};
use super::wait::LOOK_EVERY;
use crate::client::{Answer, Client};

/// Longer than the server's own limit for a request: then the answer will not come.
const ANSWER_MAX: Duration = Duration::from_secs(90);
/// How long a server may take to serve again after a fault.
const READY_MAX: Duration = Duration::from_secs(60);

/// One client.
#[derive(Debug)]
pub struct Writer {
    origin: String,
    client: Client,
    ledger: Ledger,
    rng: fastrand::Rng,
    known: HashMap<String, i64>,
    stop: Arc<AtomicBool>,
}

/// Many clients.
#[derive(Debug)]
pub struct Swarm {
    /// What they write down.
    pub ledger: Ledger,
    stop: Arc<AtomicBool>,
    writers: JoinSet<Result<()>>,
}

impl Swarm {
    /// Starts them.
    ///
    /// # Errors
    /// The server gives no token.
    pub async fn start(origin: &str, writers: u64, seed: u64) -> Result<Self> {
        let (ledger, stop) = (Ledger::default(), Arc::new(AtomicBool::new(false)));
        let mut swarm = Self { ledger, stop, writers: JoinSet::new() };
        for number in 0..writers {
            let rng = fastrand::Rng::with_seed(seed.wrapping_mul(1_000).wrapping_add(number));
            let writer = Writer::new(origin, &swarm.ledger, rng, &swarm.stop).await?;
            swarm.writers.spawn(writer.run());
        }
        Ok(swarm)
    }

    /// Lets each finish what it is at.
    ///
    /// # Errors
    /// One of them met what it must never meet.
    pub async fn finish(mut self) -> Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended??;
        }
        Ok(self.ledger)
    }
}

impl Writer {
    /// A client with a token of its own.
    ///
    /// # Errors
    /// The server gives none.
    pub async fn new(
        origin: &str,
        ledger: &Ledger,
        rng: fastrand::Rng,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self> {
        let client = Client::connect(origin, CLIENT, SECRET).await?;
        let (ledger, stop) = (ledger.clone(), Arc::clone(stop));
        Ok(Self { origin: origin.to_owned(), client, ledger, rng, known: HashMap::new(), stop })
    }

    async fn run(mut self) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let operation = Operation::random(&mut self.rng, &self.known);
            self.perform(&operation).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, operation: &Operation) -> Result<()> {
        let place = self.ledger.sending(&operation.id, operation.writes);
        let mut outcome = self.send(operation, &operation.id).await?;
        // With its key it happens once however often it is sent.
        while operation.repeatable && outcome == Outcome::Unknown {
            if !self.back_again().await? {
                break;
            }
            let again = self.send(operation, &format!("retry.{}", operation.id)).await?;
            // What was unknown stays so where the repetition was not even received.
            if again != Outcome::NotSent {
                outcome = again;
            }
        }
        let trouble = matches!(outcome, Outcome::NotSent | Outcome::Unknown);
        self.ledger.answered(place, outcome);
        if trouble {
            self.back_again().await?;
        }
        Ok(())
    }

    /// Waits for the server; false where it is time to stop instead.
    async fn back_again(&self) -> Result<bool> {
        let began = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            if is_ready(&self.origin).await {
                return Ok(true);
            }
            ensure!(began.elapsed() < READY_MAX, "the server is not ready within {READY_MAX:?}");
            sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }

    async fn send(&mut self, operation: &Operation, request_id: &str) -> Result<Outcome> {
        let request = operation.request(&self.client, request_id);
        let answer = match timeout(ANSWER_MAX, Answer::of(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(fault)) => return Ok(Outcome::unanswered(&fault)),
            Err(_) => return Ok(Outcome::Unknown),
        };
        if answer.status == 401 {
            // The token is too old. Where there is no new one yet, the next operation asks again.
            if let Ok(client) = Client::connect(&self.origin, CLIENT, SECRET).await {
                self.client = client;
            }
        }
        let outcome = operation.outcome(&answer)?;
        if let Outcome::Acknowledged(written) = &outcome {
            for (id, version) in written.iter().filter_map(|name| name.split_once('/')) {
                if id.starts_with("shared-") {
                    self.known.insert(id.to_owned(), version.parse()?);
                }
            }
        }
        Ok(outcome)
    }
}
