//! What cannot be opened says why in one sentence, or steps aside.

use std::fs::Permissions;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use cluster::{Cluster, ClusterError, Options};
use nix::unistd::Uid;

use crate::harness::{Scratch, ask};

#[test]
fn says_in_one_sentence_why_it_refuses() {
    let scratch = Scratch::new("refuse");
    let options = scratch.options();
    let dir = options.dir.clone();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let error = Cluster::open(Options { port: Some(port), ..options.clone() }).unwrap_err();
    assert!(error.to_string().starts_with(&format!("Port {port} on 127.0.0.1 is in use")));

    let version = dir.join("data/PG_VERSION");
    let held = std::fs::read_to_string(&version).unwrap();
    std::fs::write(&version, "9\n").unwrap();
    let error = Cluster::open(options.clone()).unwrap_err().to_string();
    assert!(error.contains("was written by PostgreSQL 9 ") && error.contains("`postgresql-9`"));
    std::fs::write(&version, held).unwrap();

    std::fs::rename(dir.join("data/carebridge.password"), dir.join("aside")).unwrap();
    let error = Cluster::open(options.clone()).unwrap_err().to_string();
    assert!(error.contains("data was not made by CareBridge"), "{error}");
    std::fs::rename(dir.join("aside"), dir.join("data/carebridge.password")).unwrap();

    let own = vec![("work_mem".to_owned(), "much".to_owned())];
    let error = Cluster::open(Options { settings: own, ..options.clone() }).unwrap_err();
    assert!(error.to_string().starts_with("`postgres` failed: "), "{error}");
    assert!(error.to_string().contains("postgres.log"), "{error}");
    let gone = Options { dir: scratch.0.join("gone"), remove: true, ..options.clone() };
    let own = vec![("work_mem".to_owned(), "much".to_owned())];
    Cluster::open(Options { settings: own, ..gone.clone() }).unwrap_err();
    assert!(!gone.dir.exists(), "a temporary one leaves nothing, even when it fails");

    let plain = scratch.0.join("file");
    std::fs::write(&plain, "").unwrap();
    let error = Cluster::open(Options { dir: plain, ..options.clone() }).unwrap_err().to_string();
    assert!(error.starts_with("Could not make the folder "), "{error}");

    let other = scratch.0.join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("PG_VERSION"), "15\n").unwrap();
    let error = Cluster::open(Options { dir: other, ..options.clone() }).unwrap_err();
    assert!(matches!(error, ClusterError::Foreign { .. }));

    drop(busy);
    Cluster::open(Options { port: Some(port), ..options }).unwrap();
}

#[test]
fn says_that_the_disk_is_full() {
    let scratch = Scratch::new("full");
    let disk = scratch.0.join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"]).arg(&disk).stderr(Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: says_that_the_disk_is_full: this account may not mount a small disk");
        return;
    }
    let small = vec![("min_wal_size".to_owned(), "32MB".to_owned())];
    let options = Options { dir: disk.join("pg"), settings: small, ..scratch.options() };
    let filler = disk.join("filler");
    let fill = || {
        let mut file = std::fs::File::create(&filler).unwrap();
        while file.write_all(&[1; 1 << 16]).is_ok() {}
    };
    fill();
    let new = Cluster::open(options.clone());
    std::fs::remove_file(&filler).unwrap();
    let made = Cluster::open(options.clone()).map(drop);
    fill();
    let existing = Cluster::open(options.clone());
    std::fs::remove_file(&filler).unwrap();
    let again = Cluster::open(options).map(|cluster| ask(&cluster, "select 1"));
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    assert!(matches!(new, Err(ClusterError::DiskFull { .. })), "{new:?}");
    made.unwrap();
    assert!(matches!(existing, Err(ClusterError::DiskFull { .. })), "{existing:?}");
    assert_eq!(again.unwrap(), "1");
}

#[test]
fn steps_aside_where_its_account_cannot_go() {
    if !Uid::effective().is_root() {
        println!("SKIPPED: steps_aside_where_its_account_cannot_go: only root changes account");
        return;
    }
    let scratch = Scratch::new("closed");
    let closed = scratch.0.join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let state_dir = scratch.0.join("state");
    let options =
        Options { dir: closed.join("pg"), state_dir: state_dir.clone(), ..scratch.options() };
    let first = Cluster::open(options.clone()).unwrap();
    let dir = first.dir().to_owned();
    assert!(dir.starts_with(&state_dir));
    assert_eq!(first.moved_from(), Some(closed.join("pg").as_path()));
    drop(first);
    assert_eq!(Cluster::open(options).unwrap().dir(), dir, "the same stand-in every time");
}
