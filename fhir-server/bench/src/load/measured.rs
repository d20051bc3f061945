//! What one run showed.

use serde::Serialize;
use std::time::Duration;

/// The figures of one run. Latencies in milliseconds, CPU in microseconds per request.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Measured {
    /// Connections.
    pub(crate) clients: usize,
    /// The rate that an open loop offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offered_per_s: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
    pub(crate) requests_per_s: f64,
    pub(crate) resources_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) server_cpu_us: f64,
    pub(crate) postgres_cpu_us: f64,
    pub(crate) loader_cpu_us: f64,
    pub(crate) server_rss_mib: f64,
    pub(crate) server_peak_rss_mib: f64,
    /// Cores that nothing measured here kept busy: above 0.1 the machine was not quiet.
    pub(crate) others_busy_cores: f64,
    /// Due requests that an open loop could not send.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unsent: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Measured {
    /// CPU of server and PostgreSQL for one request.
    pub(crate) fn cost_us(&self) -> f64 {
        self.server_cpu_us + self.postgres_cpu_us
    }

    /// Sets the latencies from samples, which it sorts.
    pub(crate) fn set_latencies(&mut self, samples: &mut [Duration]) {
        samples.sort_unstable();
        self.p50_ms = quantile_ms(samples, 0.50);
        self.p95_ms = quantile_ms(samples, 0.95);
        self.p99_ms = quantile_ms(samples, 0.99);
        self.max_ms = quantile_ms(samples, 1.0);
    }
}

/// The smallest sample that at least `share` of all do not exceed, rounded to a microsecond.
fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let sample = sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    sample.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let ms = Duration::from_millis;
        for (samples, expected) in [
            (vec![], [0.0, 0.0, 0.0, 0.0]),
            (vec![ms(7)], [7.0, 7.0, 7.0, 7.0]),
            ((1..=100).rev().map(ms).collect(), [50.0, 95.0, 99.0, 100.0]),
            ((1..=1000).map(ms).collect(), [500.0, 950.0, 990.0, 1000.0]),
        ] {
            let mut measured = Measured::default();
            let mut samples = samples;
            measured.set_latencies(&mut samples);
            let Measured { p50_ms, p95_ms, p99_ms, max_ms, .. } = measured;
            assert_eq!([p50_ms, p95_ms, p99_ms, max_ms], expected);
        }
    }
}
