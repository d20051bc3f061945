//! End-to-end scenarios, all in one binary: it links once, and its tests run side by side.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is a test module")]

mod chaos;
mod chaos_disconnect;
mod concurrency;
mod concurrency_bundles;
mod conditional;
mod disk_full;
mod drain;
mod history;
mod history_model;
mod interactions;
mod interactions_refused;
mod interactions_table;
mod patch;
mod smoke;
