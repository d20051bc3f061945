//! End-to-end scenarios, all in one binary: it links once, and its tests run side by side.

#![cfg(test)]

mod audit;
mod audit_refusals;
mod bad_input;
mod bad_input_bombs;
mod bad_input_bundles;
mod bad_input_queries;
mod bad_input_wire;
mod blobs;
mod blobs_memory;
mod bounds;
mod bundle;
mod bundle_transaction;
mod chaos;
mod chaos_disconnect;
mod concurrency;
mod concurrency_bundles;
mod conditional;
mod disk_full;
mod drain;
mod formats;
mod headers;
mod headers_once;
mod headers_wire;
mod history;
mod history_model;
mod hooks;
mod interactions;
mod interactions_refused;
mod interactions_table;
mod journal;
mod migration;
mod patch;
mod samples;
mod samples_compare;
mod samples_load;
mod samples_own;
mod seal;
mod search;
mod search_edges;
mod search_model;
mod search_options;
mod search_random;
mod search_walk;
mod smoke;
