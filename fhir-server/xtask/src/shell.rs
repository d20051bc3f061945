//! Runs other programs, with their output on ours, and passes on the signals that come for them.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// What runs now, and the signal that came.
struct Now {
    child: Option<Pid>,
    caught: Option<i32>,
}

static NOW: Mutex<Now> = Mutex::new(Now { child: None, caught: None });

fn now() -> MutexGuard<'static, Now> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on a signal that would end us goes to the program that runs, which is waited for;
/// nothing is started after it.
pub(crate) fn pass_signals_on() -> Result<(), String> {
    let signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]);
    let mut signals = signals.map_err(|e| format!("Signals cannot be received: {e}."))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let mut now = now();
            now.caught = Some(signal);
            match now.child {
                Some(child) => pass_on(child, signal),
                // Nobody else would end us.
                None => std::process::exit(code(signal)),
            }
        }
    });
    Ok(())
}

/// To the program's group if it leads one, so that what it started hears it, too.
fn pass_on(child: Pid, signal: i32) {
    let Ok(signal) = Signal::try_from(signal) else { return };
    if kill(Pid::from_raw(-child.as_raw()), signal).is_err() {
        // It may have ended this moment.
        kill(child, signal).ok();
    }
}

/// The exit code of the signal that came, if one did.
pub(crate) fn stopped() -> Option<u8> {
    now().caught.and_then(|signal| u8::try_from(code(signal)).ok())
}

/// As shells say it.
fn code(signal: i32) -> i32 {
    128 + signal
}

/// A program that runs, to which signals are passed on.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it, unless a signal came before.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut now = now();
        if now.caught.is_some() {
            return Err(io::Error::other("stopped by a signal"));
        }
        let child = command.spawn()?;
        now.child = i32::try_from(child.id()).ok().map(Pid::from_raw);
        Ok(Self(child))
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for its end; true when it succeeded.
    pub(crate) fn wait(mut self) -> io::Result<bool> {
        let status = self.0.wait();
        now().child = None;
        Ok(status?.success())
    }
}

/// Runs to the end, with what it says kept for us.
pub(crate) fn output(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = Running::start(command)?.0.wait_with_output();
    now().child = None;
    output
}

/// Cargo as we were started by, in the checkout.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    // A group of its own: cargo does not pass signals on to the compilers and tests it runs.
    command.current_dir(root).process_group(0);
    // What `cargo run` told us about this crate is not true of the next one.
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

/// Runs to the end; true when it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool, String> {
    Running::start(command)
        .and_then(Running::wait)
        .map_err(|e| format!("Could not run `{}`: {e}.", command.get_program().to_string_lossy()))
}

/// Runs to the end and fails with `sentence` unless it succeeded.
pub(crate) fn require(command: &mut Command, sentence: &str) -> Result<(), String> {
    succeeds(command)?.then_some(()).ok_or_else(|| sentence.to_owned())
}

/// Whether a program is in `PATH`.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_signal_reaches_what_a_program_started() {
        for signal in [SIGINT, SIGTERM] {
            // One process from the word on: a shell that is about to start another may outlive a signal.
            let script = "sh -c 'echo ready; exec sleep 600'; exit 0";
            let mut command = Command::new("sh");
            command.args(["-c", script]).process_group(0).stdout(Stdio::piped());
            let mut running = Running::start(&mut command).unwrap();
            let child = Pid::from_raw(i32::try_from(running.child().id()).unwrap());
            let mut said = running.child().stdout.take().unwrap();
            let mut ready = [0; 6];
            said.read_exact(&mut ready).unwrap();
            pass_on(child, signal);
            // The end of its output: nobody is left who could write more.
            assert_eq!(said.read_to_end(&mut Vec::new()).unwrap(), 0);
            assert!(!running.wait().unwrap());
        }
    }
}
