//! One file per interaction: HTTP in, `domain` called, HTTP out.

pub(crate) mod bundle;
pub(crate) mod capabilities;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod journal;
pub(crate) mod operation;
pub(crate) mod patch;
pub(crate) mod quarantine;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod update;
pub(crate) mod validate;
