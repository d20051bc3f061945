//! The clocks of a run: how long it took, and how long whose cores were busy.

use super::measured::Measured;
use crate::machine;
use std::time::{Duration, Instant};

/// The processes whose CPU is counted; zero means not watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) server: u32,
    pub(crate) postmaster: u32,
}

/// Clocks at the start of the window in which answers count.
pub(crate) struct Window {
    watched: Watched,
    at: Instant,
    server: Duration,
    postgres: Duration,
    loader: Duration,
    all: Duration,
}

impl Window {
    /// Reads all clocks.
    pub(crate) fn open(watched: Watched) -> Self {
        Self {
            watched,
            at: Instant::now(),
            server: machine::process_cpu(watched.server),
            postgres: machine::family_cpu(watched.postmaster),
            loader: machine::process_cpu(std::process::id()),
            all: machine::busy(),
        }
    }

    /// Reads them again.
    pub(crate) fn close(self) -> Usage {
        let now = Self::open(self.watched);
        let seconds = |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64();
        Usage {
            watched: self.watched,
            wall_s: (now.at - self.at).as_secs_f64(),
            server_s: seconds(now.server, self.server),
            postgres_s: seconds(now.postgres, self.postgres),
            loader_s: seconds(now.loader, self.loader),
            all_s: seconds(now.all, self.all),
        }
    }
}

/// Seconds that passed, and that cores were busy, in the window.
pub(crate) struct Usage {
    watched: Watched,
    wall_s: f64,
    server_s: f64,
    postgres_s: f64,
    loader_s: f64,
    all_s: f64,
}

impl Usage {
    /// The figures of a run with these latencies, each of a request for so many `resources`.
    pub(crate) fn measured(
        &self,
        mut samples: Vec<Duration>,
        clients: usize,
        resources: u64,
    ) -> Measured {
        let requests = samples.len() as u64;
        let each_us = |seconds: f64| (seconds * 1e7 / requests.max(1) as f64).round() / 10.0;
        let known_s = self.server_s + self.postgres_s + self.loader_s;
        let (rss, peak) = machine::memory_kib(self.watched.server);
        let mib = |kib: u64| (kib as f64 / 102.4).round() / 10.0;
        let per_s = requests as f64 / self.wall_s.max(1e-9);
        let others = (self.all_s - known_s).max(0.0) / self.wall_s.max(1e-9);
        let mut measured = Measured {
            clients,
            seconds: (self.wall_s * 100.0).round() / 100.0,
            requests,
            requests_per_s: (per_s * 10.0).round() / 10.0,
            resources_per_s: (per_s * resources as f64).round(),
            server_cpu_us: each_us(self.server_s),
            postgres_cpu_us: each_us(self.postgres_s),
            loader_cpu_us: each_us(self.loader_s),
            server_rss_mib: mib(rss),
            server_peak_rss_mib: mib(peak),
            others_busy_cores: (others * 100.0).round() / 100.0,
            ..Measured::default()
        };
        measured.set_latencies(&mut samples);
        measured
    }
}
