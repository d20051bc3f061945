//! What the machine did during a run, from `/proc`: CPU of a process, of PostgreSQL and its
//! backends, of everyone else; memory. See `man 5 proc`.

use anyhow::{Context as _, Result};
use std::{fs, path::Path, process::Command, time::Duration};

/// `/proc` counts CPU in USER_HZ, which is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// The fields of `/proc/PID/stat` that count here.
struct Stat {
    parent: u32,
    own_ticks: u64,
    reaped_ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name, in brackets, may hold spaces: fields are counted from its end.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |i: usize| fields.get(i)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(field(1)?).ok()?,
        own_ticks: field(11)? + field(12)?,
        reaped_ticks: field(13)? + field(14)?,
    })
}

fn ticks(count: u64) -> Duration {
    TICK * u32::try_from(count).unwrap_or(u32::MAX)
}

/// CPU time of a process with all its threads; zero when there is none.
pub(crate) fn process_cpu(pid: u32) -> Duration {
    ticks(stat(pid).map_or(0, |s| s.own_ticks))
}

/// CPU time of a process, its living children and those it has reaped: a PostgreSQL cluster.
pub(crate) fn family_cpu(pid: u32) -> Duration {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = children.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let living: u64 =
        children.filter_map(stat).filter(|s| s.parent == pid).map(|s| s.own_ticks).sum();
    ticks(living + stat(pid).map_or(0, |s| s.own_ticks + s.reaped_ticks))
}

/// The parent of a process: a PostgreSQL backend's postmaster.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|s| s.parent)
}

/// The name of a process's command.
pub(crate) fn command(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

/// Time that all cores together were busy since the machine started.
pub(crate) fn busy() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let counts = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // user nice system idle iowait irq softirq steal; the guests after them are in user and nice.
    let busy = counts.take(8).enumerate().filter(|(i, _)| !matches!(i, 3 | 4));
    ticks(busy.filter_map(|(_, ticks)| ticks.parse::<u64>().ok()).sum())
}

/// Memory of a process in KiB: now, and at most since it started.
pub(crate) fn memory_kib(pid: u32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let kib = |name| line(name)?.split_whitespace().next()?.parse().ok();
    (kib("VmRSS:").unwrap_or(0), kib("VmHWM:").unwrap_or(0))
}

/// One line that says what the figures were taken on.
pub(crate) fn description(postgres: &str) -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cpu = read("/proc/cpuinfo");
    let model = after(&cpu, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = after(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let kib: u64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} × {model}, {} GiB, Linux {}, {postgres}", kib >> 20, kernel.trim())
}

/// The commit that was measured; `-dirty` when the tree differs from it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    let clean = git(&["status", "--porcelain"]).is_some_and(|changes| changes.is_empty());
    if clean { commit } else { commit + "-dirty" }
}

/// A secret of 32 random bytes in hexadecimal.
pub(crate) fn secret() -> Result<String> {
    use std::io::Read as _;
    let mut bytes = [0; 32];
    let path = Path::new("/dev/urandom");
    let mut file = fs::File::open(path).context("/dev/urandom")?;
    file.read_exact(&mut bytes).context("/dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_its_own_process() {
        let me = std::process::id();
        let before = (process_cpu(me), busy());
        let mut n = 0_u64;
        while process_cpu(me) < before.0 + TICK * 3 {
            n = std::hint::black_box(n.wrapping_mul(31) + 1);
        }
        assert!(busy() > before.1);
        assert!(family_cpu(me) >= process_cpu(me));
        let (now, most) = memory_kib(me);
        assert!(now > 0 && most >= now);
        assert!(parent(me).and_then(command).is_some());
        assert_eq!(process_cpu(u32::MAX), Duration::ZERO);
    }
}
