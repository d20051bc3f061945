//! Opened, stopped, started, gone: the ordinary life of a cluster.

use std::os::unix::fs::PermissionsExt;

use cluster::{Cluster, Mode, Options};

use crate::harness::{Scratch, Session, alive, ask};

#[test]
fn lasts_over_stop_start_and_reopen() {
    let scratch = Scratch::new("reopen");
    let mut cluster = Cluster::open(scratch.options()).unwrap();
    let (port, url) = (cluster.port(), cluster.url("postgres"));
    ask(&cluster, "create table kept (n int)");
    for (n, mode) in [Mode::Smart, Mode::Fast, Mode::Immediate].into_iter().enumerate() {
        ask(&cluster, &format!("insert into kept values ({n})"));
        let pid = cluster.pid().unwrap();
        cluster.stop(mode);
        assert!(!alive(pid) && cluster.pid().is_none(), "{mode:?}");
        cluster.start().unwrap();
        assert_eq!(cluster.port(), port);
    }
    drop(cluster);
    let cluster = Cluster::open(scratch.options()).unwrap();
    assert_eq!(ask(&cluster, "select count(*) from kept"), "3");
    assert_eq!(cluster.url("postgres"), url, "port and password are those of last time");
    let password = cluster.dir().join("data/carebridge.password");
    assert_eq!(password.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn has_the_settings_it_promises() {
    let scratch = Scratch::new("settings");
    let own = vec![("statement_timeout".to_owned(), "7s".to_owned())];
    let cluster =
        Cluster::open(Options { durable: true, settings: own, ..scratch.options() }).unwrap();
    let mut session = Session::open(&cluster);
    let cases = [
        ("show fsync", "on"),
        ("show synchronous_commit", "on"),
        ("show full_page_writes", "on"),
        ("show data_checksums", "on"),
        ("show server_encoding", "UTF8"),
        ("show jit", "off"),
        ("show listen_addresses", "127.0.0.1"),
        ("show max_connections", "100"),
        ("show idle_in_transaction_session_timeout", "1min"),
        ("show max_wal_size", "4GB"),
        ("show statement_timeout", "7s"),
        ("show timezone", "UTC"),
        // Bytes order letters, Unicode knows their case.
        ("select 'B' < 'a'", "t"),
        ("select upper('ä')", "Ä"),
    ];
    for (sql, expected) in cases {
        assert_eq!(session.ask(sql), expected, "{sql}");
    }
}

#[test]
fn shortens_the_path_of_a_deep_socket() {
    let scratch = Scratch::new("deep");
    let dir = scratch.0.join("d".repeat(100)).join("pg");
    let cluster = Cluster::open(Options { dir, remove: true, ..scratch.options() }).unwrap();
    let socket_dir = cluster.socket_dir().to_owned();
    assert!(socket_dir.starts_with("/tmp") && cluster.moved_from().is_none());
    assert_eq!(ask(&cluster, "select 1"), "1");
    drop(cluster);
    assert!(!socket_dir.exists());
}

#[test]
fn leaves_nothing_of_a_temporary_one() {
    let cluster = Cluster::temporary().unwrap();
    let (dir, pid) = (cluster.dir().to_owned(), cluster.pid().unwrap());
    assert_eq!(ask(&cluster, "show fsync"), "off");
    assert!(cluster.url("x").ends_with(&format!("@127.0.0.1:{}/x", cluster.port())));
    drop(cluster);
    assert!(!dir.exists() && !alive(pid));
}
