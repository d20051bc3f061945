//! The exporter of metrics: one recorder for the process, read at `/metrics`.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds: from a read out of memory to the longest request.
const BUCKETS_S: &[f64] = &[
    0.000_5, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];

/// The process's recorder, installed at the first call: several servers in a process share it.
pub(crate) fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new();
    // Only an empty list is refused.
    let builder = builder
        .set_buckets_for_metric(seconds, BUCKETS_S)
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    match ::metrics::set_global_recorder(recorder) {
        Ok(()) => telemetry::describe(),
        Err(error) => tracing::warn!(%error, "Another recorder of metrics is installed."),
    }
    handle
}
