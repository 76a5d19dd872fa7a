//! The binary `portcullis`: a ready server on the library of the same name.

mod app;
mod cli;
mod config;
mod demo;
#[cfg(test)]
mod generated;
mod pages;
mod serve;
mod telemetry;

fn main() -> std::process::ExitCode {
    let code = cli::main();
    telemetry::flush();
    code
}
