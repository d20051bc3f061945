//! The life of a cluster against real PostgreSQL: opened, stopped, killed, refused.

#![cfg(test)]

mod death;
mod harness;
mod life;
mod refusal;
