//! The events, a file each. Labels are words from short fixed lists: never an id, never a path.

mod audit_flushed;
mod authentication_failed;
mod committed;
mod glass_broken;
mod handshake_failed;
mod outbound_called;
mod parameters_unused;
mod pool_waited;
mod record_sealed;
mod record_unsealed;
mod request_served;
mod throttled;

pub use audit_flushed::AuditFlushed;
pub use authentication_failed::AuthenticationFailed;
pub use committed::Committed;
pub use glass_broken::GlassBroken;
pub use handshake_failed::HandshakeFailed;
pub use outbound_called::OutboundCalled;
pub use parameters_unused::ParametersUnused;
pub use pool_waited::PoolWaited;
pub use record_sealed::RecordSealed;
pub use record_unsealed::RecordUnsealed;
pub use request_served::RequestServed;
pub use throttled::Throttled;

use crate::emit::Metric;

/// Every metric that the events move.
pub(crate) const METRICS: &[Metric] = &[
    request_served::COUNT,
    request_served::DURATION,
    committed::TRANSACTIONS,
    committed::VERSIONS,
    committed::DURATION,
    audit_flushed::RECORDS,
    audit_flushed::DURATION,
    record_sealed::ROWS,
    record_sealed::DURATION,
    record_unsealed::AGE,
    pool_waited::DURATION,
    authentication_failed::COUNT,
    glass_broken::COUNT,
    parameters_unused::COUNT,
    throttled::COUNT,
    handshake_failed::COUNT,
    outbound_called::COUNT,
    outbound_called::DURATION,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::Emit;

    #[test]
    fn every_metric_has_its_own_name_and_says_its_unit() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.0).collect();
        assert_eq!(names.len(), METRICS.len());
        for name in names {
            assert!(name.ends_with("_total") || name.ends_with("_seconds"), "{name}");
        }
    }

    #[test]
    fn events_are_told_without_a_recorder_too() {
        let elapsed = Duration::from_millis(3);
        for status in [200, 404, 503] {
            RequestServed { method: "GET", interaction: "read", status, outcome: "ok", elapsed }
                .emit();
        }
        Committed { versions: 50, elapsed }.emit();
        AuditFlushed { records: 7, elapsed }.emit();
        RecordSealed { rows: 7, elapsed }.emit();
        RecordUnsealed { age: elapsed, age_max: elapsed / 2 }.emit();
        PoolWaited { pool: "write", elapsed }.emit();
        AuthenticationFailed { door: "token", reason: "invalid_client" }.emit();
        GlassBroken { number: 1, subject: "a" }.emit();
        Throttled { class: "read" }.emit();
        HandshakeFailed { reason: "timeout", elapsed }.emit();
        OutboundCalled { outcome: "ok", elapsed }.emit();
        ParametersUnused { unusable: 1, clashing: 2, beyond: 3 }.emit();
    }
}
