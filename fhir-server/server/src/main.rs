//! `carebridge`: see `carebridge --help`.

/// Half the time per small allocation of the system's, and memory goes back after a burst.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::run()
}
