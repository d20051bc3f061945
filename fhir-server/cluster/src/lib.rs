//! A private, real PostgreSQL in a folder, for `carebridge dev`, tests, benches and fault tests: it
//! needs the system's binaries and nothing else, and survives a kill -9 of itself or of its owner.
//!
//! ```text
//! <dir>/data/             the cluster, mode 0700, owned by the account that runs the server
//! <dir>/data/carebridge.password   mode 0600; also the mark that the cluster is ours
//! <dir>/run/              the unix socket (in /tmp where the path would be too long)
//! <dir>/postgres.log      what the server said
//! <dir>/lock              held while a process uses the folder; the kernel frees it on any death
//! ```

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod init;
mod limits;
mod options;
mod process;
mod server;
mod settings;
mod watch;

pub use account::is_root;
pub use binaries::is_installed;
pub use cluster::{Cluster, Mode};
pub use error::ClusterError;
pub use folder::user_of;
pub use options::Options;
