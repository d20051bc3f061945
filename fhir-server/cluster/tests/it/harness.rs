//! What the tests share: a folder, a session, patience.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cluster::{Cluster, Options};

/// A folder of this test, gone with it.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("cluster-it-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    pub(crate) fn options(&self) -> Options {
        Options { shared_buffers_mib: Some(32), durable: false, ..Options::at(self.0.join("pg")) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// One session over the socket in PostgreSQL's own protocol: the crate needs no client for its tests.
pub(crate) struct Session(pub(crate) UnixStream);

impl Session {
    pub(crate) fn open(cluster: &Cluster) -> Self {
        Self::try_open(cluster).unwrap()
    }

    /// None while the server is not ready for us.
    pub(crate) fn try_open(cluster: &Cluster) -> Option<Self> {
        let path = cluster.socket_dir().join(format!(".s.PGSQL.{}", cluster.port()));
        let mut stream = UnixStream::connect(path).unwrap();
        let body = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
        let length = u32::try_from(body.len() + 4).unwrap();
        stream.write_all(&length.to_be_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut session = Self(stream);
        session.until_ready().map(|_| session).ok()
    }

    /// The first column of the first row, as text.
    pub(crate) fn ask(&mut self, sql: &str) -> String {
        let length = u32::try_from(sql.len() + 5).unwrap();
        self.0.write_all(b"Q").unwrap();
        self.0.write_all(&length.to_be_bytes()).unwrap();
        self.0.write_all(sql.as_bytes()).unwrap();
        self.0.write_all(b"\0").unwrap();
        self.until_ready().unwrap()
    }

    fn until_ready(&mut self) -> Result<String, String> {
        let mut answer = String::new();
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).unwrap();
            let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4;
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).unwrap();
            match head[0] {
                b'Z' => return Ok(answer),
                b'D' => answer = String::from_utf8_lossy(&body[6..]).into_owned(),
                b'E' => return Err(String::from_utf8_lossy(&body).into_owned()),
                _ => {}
            }
        }
    }
}

pub(crate) fn ask(cluster: &Cluster, sql: &str) -> String {
    Session::open(cluster).ask(sql)
}

pub(crate) fn alive(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok()
}

pub(crate) fn wait_until(mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain");
        std::thread::yield_now();
    }
}
