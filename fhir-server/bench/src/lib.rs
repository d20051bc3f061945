//! Measures CareBridge and, in the same run on the same machine, the limit: a bare program on the
//! same PostgreSQL that only stores and returns. Only this machine is ever asked.
//!
//! `bench store` is the suite; `bench limit` is the bare program, a child of it; `ours` holds all
//! that is known about starting CareBridge.

pub mod cli;
mod data;
mod limit;
mod limits;
mod load;
mod machine;
mod ours;
mod postgres;
mod programs;
mod report;
mod sizes;
mod suite;
