//! Where a password comes from: a terminal that does not show it, a file, or standard input. Never
//! an argument, which every user of the machine could read.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use portcullis::crypto::Secret;

use super::Failure;
use crate::config::private_file;

/// No line is longer than this.
const LONGEST: u64 = 64 * 1024;

/// Where a new password comes from.
#[derive(Debug, clap::Args)]
pub(super) struct NewPassword {
    /// Read the password from this file, which nobody else may read. Else it is asked for on the
    /// terminal, or read as one line from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl NewPassword {
    /// Reads it; on a terminal twice.
    pub(super) fn read(&self, username: &str) -> Result<Secret<String>, Failure> {
        match &self.password_file {
            Some(path) => from_file(path),
            None if io::stdin().is_terminal() => {
                let first = prompt(&format!("New password of {username}: "))?;
                let again = prompt("Again: ")?;
                if first.expose() != again.expose() {
                    return Err(Failure::wrong("the two are not the same", "type it again"));
                }
                Ok(first)
            }
            None => line("the password"),
        }
    }
}

/// Reads one line that nobody shall see: typed without being shown, or from standard input.
pub(super) fn secret(what: &str) -> Result<Secret<String>, Failure> {
    if io::stdin().is_terminal() {
        let mut heading = what.to_owned();
        heading.get_mut(..1).map(str::make_ascii_uppercase);
        return prompt(&format!("{heading}: "));
    }
    line(what)
}

fn prompt(words: &str) -> Result<Secret<String>, Failure> {
    rpassword::prompt_password(words)
        .map(Secret::new)
        .map_err(|error| Failure::Io("the terminal cannot be read".to_owned(), error))
}

fn from_file(path: &Path) -> Result<Secret<String>, Failure> {
    private_file::read_text(path)
        .map(Secret::new)
        .map_err(|wrong| Failure::wrong(wrong.to_string(), wrong.fix(path)))
}

fn line(what: &str) -> Result<Secret<String>, Failure> {
    read_line(io::stdin().lock(), what)
}

fn read_line(input: impl io::BufRead, what: &str) -> Result<Secret<String>, Failure> {
    let mut bytes = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut bytes);
    read.map_err(|error| Failure::Io("standard input cannot be read".to_owned(), error))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    // A byte order mark is the shell's, not a part of the password.
    if let Some(rest) = bytes.strip_prefix("\u{feff}".as_bytes()) {
        bytes = rest.to_vec();
    }
    if bytes.is_empty() {
        return Err(Failure::wrong(
            format!("standard input does not hold {what}"),
            "write it as one line to standard input, or run this on a terminal",
        ));
    }
    String::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_| Failure::wrong(format!("{what} is not UTF-8"), "write it in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_without_its_break() {
        for (input, read) in [
            ("a b \r\nrest", "a b "),
            ("last", "last"),
            ("\u{443}\n", "\u{443}"),
            ("a\r", "a\r"),
            ("\u{feff}b\n", "b"),
        ] {
            assert_eq!(read_line(input.as_bytes(), "it").unwrap().expose(), read);
        }
        assert!(read_line(&b""[..], "it").is_err());
        assert!(read_line(&b"\n"[..], "it").is_err());
        assert!(read_line(&b"\xff\n"[..], "it").is_err());
    }
}
