//! What only `carebridge dev` has: a PostgreSQL of its own, demo data, what the conformance suite needs, a banner.

mod banner;
pub(crate) mod demo;
pub(crate) mod people;
mod postgres;
pub(crate) mod seal_key;
pub(crate) mod suite;

pub(crate) use banner::{Banner, Demo};
pub(crate) use postgres::Postgres;
