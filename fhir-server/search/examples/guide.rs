//! Prints the guide to searches, for `cargo xtask docs`.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

fn main() {
    print!("{}", search::guide::text());
}
