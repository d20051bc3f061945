//! The ledger: clients write down each operation before they send it and its answer after; then a
//! verifier reads the database itself and says what became of each.
//!
//! The book is in the memory of the test's process, which no fault of these tests touches: what is
//! killed is the server, a child of its own, and PostgreSQL.

mod answer;
mod book;
mod checks;
mod index;
mod operation;
mod process;
mod verifier;
mod wait;
mod writer;

pub use book::{Ledger, Line, Outcome};
pub use operation::Operation;
pub use process::{ServerProcess, binary};
pub use verifier::{Verdict, verify};
pub use wait::{quiet, until};
pub use writer::{Swarm, Writer};

/// Whether the fault tests run at full length.
#[must_use]
pub fn is_full() -> bool {
    std::env::var("CAREBRIDGE_CHAOS").is_ok_and(|length| length == "full")
}

/// Rounds of a fault: the first number in `make test`, the second at full length.
#[must_use]
pub fn rounds(short: usize, full: usize) -> usize {
    if is_full() { full } else { short }
}

/// The seed of a fault test: `CAREBRIDGE_SEED`, else always the same.
#[must_use]
pub fn seed() -> u64 {
    std::env::var("CAREBRIDGE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_101)
}

/// Prints a report under a heading; the test runner shows it also when the test passes.
#[expect(clippy::print_stdout, reason = "the fault test's report is for whoever runs it")]
pub fn report(heading: &str, verdict: &Verdict, notes: &[String]) {
    println!("\n== Ledger: {heading} (seed {}) ==\n{verdict}", seed());
    for note in notes {
        println!("{note}");
    }
}
