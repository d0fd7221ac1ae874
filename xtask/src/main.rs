//! `cargo xtask COMMAND`: set-up, serving, tests and the static site, each one command.
//!
//! The same program is also `wasm-bindgen` and `wasm-bindgen-test-runner`, when started under one of those names: that is
//! how wasm-pack finds them without anything being downloaded. Their version is held by `Cargo.lock`.

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::gate::{self, Section};
use xtask::{Result, long, serve, site, tools};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, serving, tests and the static site of mapscope")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the page and serves it on this machine until interrupted
    Serve {
        /// The port to listen on; without it 8080, or the next free one
        #[arg(long)]
        port: Option<u16>,
    },
    /// Writes the static site to target/site and prints its compressed size
    Dist,
    /// Runs every check and every test, here and in a headless browser, and says how many ran where
    Test {
        /// Only these sections
        sections: Vec<Section>,
    },
    /// Runs the benchmarks and prints their numbers
    Bench,
    /// Runs the tests with many more cases for every property
    Soak {
        /// Cases for each property
        #[arg(long, default_value_t = 100_000)]
        cases: u32,
    },
    /// Installs what any command may need, wasm-pack for use by hand included
    Setup,
    /// Runs a test binary compiled for wasm32 in a browser (cargo calls this)
    #[command(hide = true)]
    WasmRunner {
        /// The binary, then the arguments of the test run
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match program_name().as_str() {
        "wasm-bindgen" => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(std::env::args_os()),
        "wasm-bindgen-test-runner" => {
            wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os())
        }
        _ => run(Cli::parse().command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The name this program was started under, without folder and extension.
fn program_name() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    Path::new(&program).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve { port } => serve::serve(port).map(|never| match never {}),
        Command::Dist => site::dist().map(drop),
        Command::Test { sections } => gate::test(&sections),
        Command::Bench => long::bench(),
        Command::Soak { cases } => long::soak(cases),
        Command::Setup => tools::setup(),
        Command::WasmRunner { args } => {
            let name = "wasm-bindgen-test-runner".to_owned();
            wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::iter::once(name).chain(args))
        }
    }
}
