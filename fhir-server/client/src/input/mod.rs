//! Files to load: found, put in order, and cut into requests.

pub(crate) mod discover;
pub(crate) mod documents;
pub(crate) mod units;
