//! The binary: everything is in the library.

fn main() -> std::process::ExitCode {
    lineshaft::cli::main()
}
