//! Processes of a data folder, found through `/proc`: a pid file may be stale or its number reused.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::limits::{POLL_FIRST, POLL_MAX};

/// Asks `done` until it answers true, first often, then every 20 ms; false when time is over.
pub(crate) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let (began, mut pause) = (Instant::now(), POLL_FIRST);
    while !done() {
        if began.elapsed() > limit {
            return false;
        }
        std::thread::sleep(pause);
        pause = POLL_MAX.min(pause * 2);
    }
    true
}

/// Sends a signal; a process that is gone already is no fault.
pub(crate) fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap_or_default();
}

/// All living server processes whose working folder is `data`, the postmaster among them.
pub(crate) fn of_folder(data: &Path) -> Vec<i32> {
    pids().filter(|pid| works_in(*pid, data)).collect()
}

/// The connections' processes below `postmaster`, told from its workers by their title.
pub(crate) fn backends(postmaster: i32) -> Vec<i32> {
    pids().filter(|pid| parent(*pid) == Some(postmaster) && serves_client(*pid)).collect()
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn works_in(pid: i32, data: &Path) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let server = matches!(name.trim_end(), "postgres" | "postmaster");
    // A zombie has no working folder, so it counts as gone.
    server && std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data)
}

fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state parent …`; the name may hold spaces and brackets.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// `postgres: user database 127.0.0.1(4711) idle` against `postgres: checkpointer `.
fn serves_client(pid: i32) -> bool {
    let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    title.starts_with("postgres: ")
        && (title.contains(" 127.0.0.1(") || title.contains(" [local] "))
}
