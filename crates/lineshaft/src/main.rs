//! The binary: everything is in the library.

/// A hub allocates for every event and frees on another thread: what this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    lineshaft::cli::main()
}
