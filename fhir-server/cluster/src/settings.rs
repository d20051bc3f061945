//! `postgresql.conf`, written whole at every start: sized for the machine, durable, and silent about
//! the data it holds. <https://www.postgresql.org/docs/current/runtime-config.html>

use std::path::Path;

use crate::limits::{SHARED_BUFFERS_MIB_MAX, SHARED_BUFFERS_MIB_MIN};
use crate::options::Options;

/// The same for every cluster.
const COMMON: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "100"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("idle_in_transaction_session_timeout", "60s"),
    // Plans of short statements: compiling them costs more than running them.
    ("jit", "off"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "256MB"),
    ("random_page_cost", "1.1"),
    ("effective_io_concurrency", "200"),
    // Rare, spread checkpoints: fewer full pages in the log and no stall of writers.
    ("checkpoint_timeout", "10min"),
    ("checkpoint_completion_target", "0.9"),
    ("max_wal_size", "4GB"),
    ("min_wal_size", "512MB"),
    // The log must hold no patient's data: neither statements nor the key values of a violation.
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_line_prefix", "%m [%p] "),
    ("log_checkpoints", "off"),
];

/// An acknowledged commit is on the disk.
const DURABLE: &[(&str, &str)] =
    &[("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")];

/// A commit survives the kill of any process but not of the machine: for tests.
const VOLATILE: &[(&str, &str)] =
    &[("fsync", "off"), ("synchronous_commit", "on"), ("full_page_writes", "off")];

/// The file's text. Later lines win, so the caller's own come last.
pub(crate) fn render(options: &Options, major: u32, port: u16, socket_dir: &Path) -> String {
    let memory = memory_mib();
    let buffers = options
        .shared_buffers_mib
        .unwrap_or_else(|| (memory / 4).clamp(SHARED_BUFFERS_MIB_MIN, SHARED_BUFFERS_MIB_MAX));
    let mut text =
        String::from("# Written by CareBridge at every start; `alter system` outlasts it.\n");
    let mut put = |key: &str, value: &str| {
        text.push_str(&format!("{key} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''")));
    };
    put("port", &port.to_string());
    // Quoted, for a comma would part the list.
    put("unix_socket_directories", &format!("\"{}\"", socket_dir.display()));
    put("shared_buffers", &format!("{buffers}MB"));
    put("effective_cache_size", &format!("{}MB", (memory / 2).max(buffers)));
    put("wal_compression", if major >= 15 { "lz4" } else { "on" });
    if major >= 14 {
        // After a crash: one call instead of one for each of thousands of files.
        put("recovery_init_sync_method", "syncfs");
    }
    let safety = if options.durable { DURABLE } else { VOLATILE };
    COMMON.iter().chain(safety).for_each(|(key, value)| put(key, value));
    options.settings.iter().for_each(|(key, value)| put(key, value));
    text
}

/// The port of the last start.
pub(crate) fn last_port(text: &str) -> Option<u16> {
    let value = text.lines().find_map(|line| line.strip_prefix("port = "))?;
    value.trim_matches('\'').parse().ok()
}

/// What this process may use: the machine's memory or, if less, its control group's.
fn memory_mib() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total_kib = total.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    let group_mib = group.trim().parse::<u64>().map_or(u64::MAX, |bytes| bytes >> 20);
    total_kib.map_or(1024, |kib: u64| kib >> 10).min(group_mib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_each_choice() {
        let plain = Options::at("/x");
        let fast = Options { durable: false, ..plain.clone() };
        let sized = Options { shared_buffers_mib: Some(64), ..plain.clone() };
        let own = [("jit".to_owned(), "it's".to_owned())];
        let more = Options { settings: own.to_vec(), ..plain.clone() };
        let cases = [
            (&plain, 15, "\nfsync = 'on'\n"),
            (&plain, 15, "\nsynchronous_commit = 'on'\n"),
            (&plain, 15, "\nwal_compression = 'lz4'\n"),
            (&plain, 14, "\nwal_compression = 'on'\n"),
            (&plain, 14, "\nrecovery_init_sync_method = 'syncfs'\n"),
            (&plain, 15, "\nport = '5432'\n"),
            (&plain, 15, "\nunix_socket_directories = '\"/a b,c\"'\n"),
            (&fast, 15, "\nfsync = 'off'\n"),
            (&sized, 15, "\nshared_buffers = '64MB'\n"),
            (&more, 15, "\njit = 'it''s'\n"),
        ];
        for (options, major, line) in cases {
            let text = render(options, major, 5432, Path::new("/a b,c"));
            assert!(text.contains(line), "{line:?} is missing from\n{text}");
            assert_eq!(last_port(&text), Some(5432));
        }
    }
}
