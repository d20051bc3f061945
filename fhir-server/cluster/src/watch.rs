//! The last guard: a shell that waits for our death, however it comes, and then stops the server.
//!
//! It holds the reading end of a pipe; the kernel closes the writing end when we end, even by
//! kill -9. So a killed test run leaves neither servers nor folders behind.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use std::os::unix::process::CommandExt;

use crate::error::ClusterError;

/// `$1` postmaster, `$2` data folder, `$3` signal, `$4` folders to remove afterwards.
/// The working folder is compared because the number may belong to another process by then.
const SCRIPT: &str = r#"
read -r _
alive() { [ "$(readlink "/proc/$1/cwd")" = "$2" ]; }
alive "$1" "$2" && kill "-$3" "$1"
tries=0
while alive "$1" "$2" && [ "$tries" -lt 1200 ]; do sleep 0.05; tries=$((tries + 1)); done
alive "$1" "$2" && kill -QUIT "$1"
shift 3
[ "$#" -eq 0 ] || rm -rf -- "$@"
"#;

/// A running guard; dropping it calls it off.
#[derive(Debug)]
pub(crate) struct Watch(Child);

impl Watch {
    /// Guards the server `pid`; with `remove`, those folders go after it.
    pub(crate) fn over(pid: i32, data: &Path, remove: &[&Path]) -> Result<Self, ClusterError> {
        let signal = if remove.is_empty() { "INT" } else { "QUIT" };
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "carebridge-watch", &pid.to_string()]);
        shell.arg(data).arg(signal).args(remove).current_dir("/").process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        shell.spawn().map(Self).map_err(|e| ClusterError::io("start", Path::new("/bin/sh"), e))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}
