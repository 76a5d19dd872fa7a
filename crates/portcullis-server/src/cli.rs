//! The command line.

mod demo;
mod print;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::SharedFlags;

/// Says why a command was refused: one line, or one for each mistake.
pub(crate) type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// The security layer that web APIs lack, as a ready server.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version)]
struct Line {
    #[command(flatten)]
    flags: SharedFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the tutorial's whole system with sample data, on loopback only
    Demo,
    /// Serves, for real use
    Serve,
}

/// Parses the line and carries it out.
pub(crate) fn main() -> ExitCode {
    let line = Line::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return print::refused(&error.into()),
    };
    let done = runtime.block_on(async {
        match line.command {
            Command::Demo => demo::run(&line.flags).await,
            Command::Serve => serve::run(&line.flags).await,
        }
    });
    match done {
        Ok(code) => code,
        Err(refusal) => print::refused(&refusal),
    }
}
