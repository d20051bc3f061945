//! The client against a small server that records what it gets and fails on command.

#![cfg(test)]

mod export;
mod fake;
mod generate;
mod load;
mod samples;
