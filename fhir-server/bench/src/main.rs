//! `bench`: see `bench --help`.

use std::process::ExitCode;

/// The allocator of the server too, so that it is no part of the ratio.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    bench::cli::main()
}
