//! Starts, waits for and stops the programs under test, as children of this one.

use crate::{
    limits::{DRAIN_MAX, READY_MAX, READY_POLL},
    load::{Call, Client, Endpoint},
};
use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

/// A program that listens on this machine. It is killed when this is dropped.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    pid: u32,
    /// From the start of the process to the first 200 of `/readyz`.
    pub(crate) ready_after: Duration,
}

impl Program {
    /// Starts `command` and waits until `/readyz` at `endpoint` answers 200.
    pub(crate) async fn start(
        name: &'static str,
        mut command: Command,
        endpoint: &Endpoint,
    ) -> Result<Self> {
        let started = Instant::now();
        let child = command.kill_on_drop(true).spawn().with_context(|| format!("start {name}"))?;
        let pid = child.id().with_context(|| format!("{name} ended at once"))?;
        let mut program = Self { name, child, pid, ready_after: Duration::ZERO };
        let mut client = Client::new(endpoint.at(""));
        loop {
            if let Some(status) = program.child.try_wait()? {
                bail!("{name} ended before it was ready: {status}");
            }
            let answer = client.send(Call::get("/readyz".into())).await;
            if answer.is_ok_and(|answer| answer.status.is_success()) {
                program.ready_after = started.elapsed();
                return Ok(program);
            }
            if started.elapsed() > READY_MAX {
                bail!("{name} was not ready after {} s", READY_MAX.as_secs());
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        let name = self.name;
        let ended = tokio::time::timeout(DRAIN_MAX, self.child.wait()).await;
        let status = ended.with_context(|| format!("{name} did not end on SIGTERM"))??;
        if !status.success() {
            bail!("{name} ended with {status}");
        }
        Ok(())
    }
}

/// An address on the loopback interface that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
