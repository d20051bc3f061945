//! The signals that end a server: SIGTERM from a supervisor, SIGINT from Ctrl-C.

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives them from its making on; until then they end the process at once.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.terminate.recv() => Caught::Terminate,
            _ = self.interrupt.recv() => Caught::Interrupt,
        }
    }
}

/// A signal that came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caught {
    Terminate,
    Interrupt,
}

impl Caught {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// Of a command that it ended before its end: 128 and the signal's number, as shells say it.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Terminate => ExitCode::from(143),
            Self::Interrupt => ExitCode::from(130),
        }
    }
}
