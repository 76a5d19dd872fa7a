//! What the commands say, and where.

use std::process::ExitCode;

use super::Refusal;

/// A line on standard output. A reader that went away is no fault.
pub(crate) fn line(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says on standard error why nothing was done.
pub(crate) fn refused(refusal: &Refusal) -> ExitCode {
    use std::io::Write;
    for one in refusal.to_string().lines() {
        let _ = writeln!(std::io::stderr(), "portcullis: {one}");
    }
    ExitCode::FAILURE
}
