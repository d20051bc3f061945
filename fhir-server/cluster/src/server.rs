//! One run of `postgres`: recover what an earlier run left, start, wait until it serves, explain.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::Signal;

use crate::cluster::Mode;
use crate::error::ClusterError;
use crate::folder::Folder;
use crate::limits::{DIE_MAX, PORT_TRIES_MAX, START_BYTES_MIN, START_MAX, STOP_MAX};
use crate::options::Options;
use crate::process::{of_folder, signal, wait_until};
use crate::settings;
use crate::watch::Watch;

/// A server that accepts connections, as a child of ours.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    watch: Option<Watch>,
}

impl Server {
    /// Starts on `port`, else on the port of last time, else on a free one.
    pub(crate) fn start(folder: &Folder, options: &Options) -> Result<Self, ClusterError> {
        recover(folder)?;
        let conf = folder.data().join("postgresql.conf");
        let held = std::fs::read_to_string(&conf).unwrap_or_default();
        let last = settings::last_port(&held).filter(|port| is_free(*port));
        let mut port = options.port.or(last);
        for _ in 0..PORT_TRIES_MAX {
            let chosen = match port.take() {
                Some(port) if options.port.is_some() && !is_free(port) => {
                    return Err(ClusterError::PortBusy { port });
                }
                Some(port) => port,
                None => free_port()?,
            };
            let major = folder.binaries.major();
            let text = settings::render(options, major, chosen, &folder.socket_dir);
            write_if_changed(folder, &conf, &text)?;
            match Self::run(folder, options, chosen) {
                // Somebody took it between our look and the server's.
                Err(ClusterError::PortBusy { .. }) if options.port.is_none() => {}
                other => return other,
            }
        }
        Err(ClusterError::PortBusy { port: 0 })
    }

    fn run(folder: &Folder, options: &Options, port: u16) -> Result<Self, ClusterError> {
        let (log, from) = folder.open_log()?;
        let fault = |e| ClusterError::io("start `postgres` in", &folder.dir, e);
        let data = folder.data();
        let mut command = folder.account.command(&folder.binaries.program("postgres"), &folder.dir);
        command.arg("-D").arg(&data);
        command.stdout(log.try_clone().map_err(fault)?).stderr(log);
        let child = command.spawn().map_err(fault)?;
        let mut server = Self { child, port, watch: None };
        let pid = server.pid();
        let gone: &[&Path] = &[&folder.dir, &folder.socket_dir, &options.dir];
        server.watch = Some(Watch::over(pid, &data, if options.remove { gone } else { &[] })?);
        let mut ended = false;
        let in_time = wait_until(START_MAX, || {
            ended = matches!(server.child.try_wait(), Ok(Some(_)) | Err(_));
            ended || serves(&data, pid)
        });
        match (in_time, ended) {
            (true, false) => Ok(server),
            (true, true) => Err(explain(folder, from, port)),
            (false, _) => {
                server.stop(Mode::Immediate);
                let detail = format!("it did not accept connections within {START_MAX:?}");
                Err(ClusterError::Failed { program: "postgres", detail, log: folder.log() })
            }
        }
    }

    /// The postmaster's process id.
    pub(crate) fn pid(&self) -> i32 {
        // Linux process ids end below 2^22.
        i32::try_from(self.child.id()).unwrap_or(i32::MAX)
    }

    /// Stops it, with ever stronger signals if need be, and waits until it is gone.
    pub(crate) fn stop(&mut self, mode: Mode) {
        let pid = self.pid();
        let child = &mut self.child;
        let mut gone = |limit| wait_until(limit, || !matches!(child.try_wait(), Ok(None)));
        let steps = [(Mode::Smart, Signal::SIGTERM), (Mode::Fast, Signal::SIGINT)];
        for (step, signal_sent) in steps {
            if mode <= step {
                signal(pid, signal_sent);
                if gone(STOP_MAX) {
                    return;
                }
            }
        }
        signal(pid, Signal::SIGQUIT);
        if !gone(DIE_MAX) {
            self.kill9();
        }
    }

    /// Kills the postmaster as a crash would.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watch.take());
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop(Mode::Fast);
        }
    }
}

/// Ends what an earlier owner left running here, and clears a pid file that names nobody.
fn recover(folder: &Folder) -> Result<(), ClusterError> {
    let data = folder.data();
    let pid_file = data.join("postmaster.pid");
    let named = pid_in(&pid_file);
    // A live postmaster is asked first: its stop writes a checkpoint and saves us a recovery.
    let polite = of_folder(&data).into_iter().find(|pid| Some(*pid) == named);
    if let Some(pid) = polite {
        signal(pid, Signal::SIGINT);
        wait_until(STOP_MAX, || !of_folder(&data).contains(&pid));
    }
    // Orphans of a killed postmaster hold its shared memory; a new one refuses to start beside.
    for stronger in [Signal::SIGQUIT, Signal::SIGKILL] {
        let left = of_folder(&data);
        left.iter().for_each(|pid| signal(*pid, stronger));
        if left.is_empty() || wait_until(DIE_MAX, || of_folder(&data).is_empty()) {
            break;
        }
    }
    remove(&pid_file)?;
    // A dead process that its parent has not reaped yet is alive to PostgreSQL, where a lock file names it.
    let Ok(sockets) = std::fs::read_dir(&folder.socket_dir) else { return Ok(()) };
    let sockets = sockets.filter_map(Result::ok).map(|entry| entry.path());
    let ours = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".s.PGSQL."))
    };
    sockets.filter(|path| ours(path)).try_for_each(|path| remove(&path))
}

/// Removes a file that may be gone.
fn remove(file: &Path) -> Result<(), ClusterError> {
    match std::fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(ClusterError::io("remove", file, e))
        }
        _ => Ok(()),
    }
}

fn pid_in(pid_file: &Path) -> Option<i32> {
    std::fs::read_to_string(pid_file).ok()?.lines().next()?.trim().parse().ok()
}

/// The eighth line of `postmaster.pid` is the state, the first whose it is.
fn serves(data: &Path, pid: i32) -> bool {
    let file = data.join("postmaster.pid");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let state = text.lines().nth(7).map(str::trim);
    pid_in(&file) == Some(pid) && state == Some("ready")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn free_port() -> Result<u16, ClusterError> {
    let found = TcpListener::bind(("127.0.0.1", 0)).and_then(|held| held.local_addr());
    found
        .map(|address| address.port())
        .map_err(|e| ClusterError::io("find a free port of", Path::new("127.0.0.1"), e))
}

/// An unchanged file is left alone, so that a full disk does not keep us from starting.
fn write_if_changed(folder: &Folder, path: &Path, text: &str) -> Result<(), ClusterError> {
    if std::fs::read_to_string(path).is_ok_and(|held| held == text) {
        return Ok(());
    }
    let fresh = path.with_extension("conf.new");
    File::create(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(|e| ClusterError::io("write", &fresh, e))?;
    folder.account.own(&fresh)?;
    std::fs::rename(&fresh, path).map_err(|e| ClusterError::io("write", path, e))
}

/// Turns what the server said since `from` into one of our errors.
fn explain(folder: &Folder, from: u64, port: u16) -> ClusterError {
    let log = folder.log();
    let mut said = Vec::new();
    let read = File::open(&log).and_then(|mut file| {
        file.seek(SeekFrom::Start(from))?;
        file.read_to_end(&mut said)
    });
    let said = String::from_utf8_lossy(&said);
    if said.contains("Address already in use") {
        return ClusterError::PortBusy { port };
    }
    // On a full disk the log itself stays empty.
    if said.contains("No space left on device") || folder.free_bytes() < START_BYTES_MIN {
        return ClusterError::DiskFull { dir: folder.dir.clone() };
    }
    let detail = match read {
        Ok(_) => last_words(&said),
        Err(e) => format!("its log cannot be read: {e}"),
    };
    ClusterError::Failed { program: "postgres", detail, log }
}

/// The line that names the fault, without time and process id.
pub(crate) fn last_words(said: &str) -> String {
    let lines = || said.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let fault = ["FATAL: ", "PANIC: ", "error: "];
    let found = lines().find_map(|line| {
        fault.iter().find_map(|word| line.split_once(word).map(|(_, rest)| rest.trim()))
    });
    let words = found.or_else(|| lines().next()).unwrap_or("it said nothing");
    words.trim_end_matches('.').to_owned()
}
