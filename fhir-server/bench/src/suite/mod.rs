//! The suites: what is measured, in which order, and against which floors.

pub(crate) mod auth;
mod bed;
pub(crate) mod designs;
mod options;
mod rules;
pub(crate) mod scale;
pub(crate) mod search;
pub(crate) mod store;
pub(crate) mod validate;

pub(crate) use options::Options;
