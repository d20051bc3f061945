//! Killed at every level: a backend, the postmaster, the owner, the owner with its guard.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use cluster::{Cluster, ClusterError, Options};

use crate::harness::{Scratch, Session, alive, ask, wait_until};

#[test]
fn knows_and_kills_backends() {
    let scratch = Scratch::new("backend");
    let cluster = Cluster::open(scratch.options()).unwrap();
    let mut sessions = [Session::open(&cluster), Session::open(&cluster)];
    let mut expected: Vec<i32> =
        sessions.iter_mut().map(|s| s.ask("select pg_backend_pid()").parse().unwrap()).collect();
    let mut found = cluster.backend_pids();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(!cluster.kill9_backend(1), "only its own");
    assert!(cluster.kill9_backend(found[0]));
    wait_until(|| !alive(found[0]) && !alive(found[1]));
    // The server recovers by itself.
    wait_until(|| Session::try_open(&cluster).is_some_and(|mut s| s.ask("select 1") == "1"));
}

#[test]
fn recovers_from_kill_9_of_the_postmaster() {
    let scratch = Scratch::new("kill9");
    let mut cluster = Cluster::open(scratch.options()).unwrap();
    ask(&cluster, "create table kept as select 1 as n");
    let pid_file = cluster.dir().join("data/postmaster.pid");
    for _ in 0..3 {
        // A busy session does not notice its postmaster's death; the next start must end it.
        let mut busy = Session::open(&cluster);
        busy.0.write_all(b"Q\0\0\0\x19select pg_sleep(300)\0").unwrap();
        let backend = cluster.backend_pids()[0];
        cluster.kill9();
        assert!(pid_file.exists(), "a stale pid file is what this is about");
        cluster.start().unwrap();
        assert!(!alive(backend));
        assert_eq!(ask(&cluster, "select n from kept"), "1");
    }
    // A stale file whose number belongs to some living process, here to us.
    cluster.kill9();
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    // And the lock of the socket, which names the postmaster too: one that is dead and not reaped yet lives on here.
    let sockets =
        || std::fs::read_dir(cluster.socket_dir()).unwrap().map(|entry| entry.unwrap().path());
    let lock = sockets().find(|path| path.extension().is_some_and(|it| it == "lock")).unwrap();
    let text = std::fs::read_to_string(&lock).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    std::fs::write(&lock, format!("{}\n{rest}", std::process::id())).unwrap();
    cluster.start().unwrap();
    assert_eq!(ask(&cluster, "select n from kept"), "1");
}

/// Runs this test binary again as the owner of a cluster, to be killed.
#[test]
fn outlives_the_kill_of_its_owner() {
    if let Some(dir) = std::env::var_os("CLUSTER_IT_OWNER") {
        let remove = std::env::var_os("CLUSTER_IT_REMOVE").is_some();
        let options = Options { remove, shared_buffers_mib: Some(32), ..Options::at(dir) };
        let cluster = Cluster::open(options).unwrap();
        println!("\npid {}", cluster.pid().unwrap());
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let scratch = Scratch::new("owner");
    for remove in [false, true] {
        let dir = scratch.0.join("pg");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "death::outlives_the_kill_of_its_owner", "--nocapture"]);
        command.env("CLUSTER_IT_OWNER", &dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(remove.then_some(("CLUSTER_IT_REMOVE", "1")));
        let mut owner = command.spawn().unwrap();
        let mut said = String::new();
        let mut stdout = owner.stdout.take().unwrap();
        let server: i32 = loop {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            said.push(char::from(byte[0]));
            let line = said.lines().find_map(|line| line.strip_prefix("pid "));
            if let (Some(pid), true) = (line, said.ends_with('\n')) {
                break pid.parse().unwrap();
            }
        };
        let refused = Cluster::open(Options { dir: dir.clone(), ..scratch.options() });
        let owner_pid = owner.id().to_string();
        assert!(
            matches!(&refused, Err(ClusterError::InUse { owner, .. }) if *owner == owner_pid),
            "{refused:?}"
        );
        owner.kill().unwrap();
        owner.wait().unwrap();
        if remove {
            wait_until(|| !alive(server) && !dir.exists());
        } else {
            // At once: the guard may or may not have stopped the orphan yet.
            let cluster = Cluster::open(Options { dir, ..scratch.options() }).unwrap();
            assert!(!alive(server));
            assert_eq!(ask(&cluster, "select 1"), "1");
        }
    }
}

#[test]
fn stops_an_orphan_whose_guard_died_too() {
    let scratch = Scratch::new("orphan");
    let cluster = Cluster::open(scratch.options()).unwrap();
    let (dir, pid) = (cluster.dir().to_owned(), cluster.pid().unwrap());
    // Neither dropped nor guarded to any effect: this process lives on.
    std::mem::forget(cluster);
    // The lock is still ours, so a second open is refused, politely.
    let refused = Cluster::open(scratch.options()).unwrap_err();
    assert!(matches!(refused, ClusterError::InUse { .. }), "{refused}");
    std::fs::remove_file(dir.join("lock")).unwrap();
    let cluster = Cluster::open(scratch.options()).unwrap();
    // It is a child of this process that nobody has waited for, so only its folder shows it is gone.
    assert!(!alive(pid));
    assert_eq!(ask(&cluster, "select 1"), "1");
}
