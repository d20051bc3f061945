//! The load generator: closed and open loops of checked requests over kept-alive connections.

mod client;
mod endpoint;
mod measured;
mod pace;
mod run;
mod window;
mod workload;

pub(crate) use client::{Answer, Call, Client};
pub(crate) use endpoint::{Endpoint, loopback};
pub(crate) use measured::Measured;
pub(crate) use run::{Asks, Loop, Mode, NoAnswer, Spec, run, run_loop};
pub(crate) use window::{Watched, Window};
pub(crate) use workload::{Lane, Seeded, Workload, shown};
