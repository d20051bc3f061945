//! The load generator: closed and open loops of checked requests over kept-alive connections.

mod client;
mod endpoint;
mod measured;
mod pace;
mod run;
mod window;
mod workload;

pub(crate) use client::{Call, Client};
pub(crate) use endpoint::{Endpoint, loopback};
pub(crate) use measured::Measured;
pub(crate) use run::{Mode, Spec, run};
pub(crate) use window::{Watched, Window};
pub(crate) use workload::{Seeded, Workload, shown};
