//! A synthetic population: seeded, deterministic, clinically plausible, shaped like US Core.
//!
//! Every patient follows from `(seed, index)` alone, so the bytes do not depend on how many
//! threads write or in which order; nothing here reads a clock, a file or the environment.
//! Numbers come from additions, products and quotients only, which IEEE 754 makes the same on
//! every machine. No name, number or address is a real person's: phones are of the 555-01xx block,
//! national provider numbers start with 9, towns and streets are invented.

mod body;
mod catalog;
mod chart;
mod code;
mod date;
mod dice;
mod directory;
mod household;
mod id;
mod json;
pub mod limits;
mod options;
mod person;
mod population;
mod resources;
mod timeline;
mod visit;
mod words;

pub use date::Day;
pub use options::{Options, OptionsError};
pub use population::{Patient, Population};
