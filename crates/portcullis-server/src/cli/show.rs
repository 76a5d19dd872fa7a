//! What commands print: aligned columns for people, JSON for programs.

use std::io::{self, Write as _};

use serde::Serialize;

use super::Failure;

/// In which form a list is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Form {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Form {
    /// JSON where it was asked for, else what `text` says.
    pub(super) fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<String, Failure> {
        if self.json { json(value) } else { Ok(text()) }
    }
}

/// Indented JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Io("the answer cannot be written".to_owned(), error.into()))
}

/// Rows in aligned columns under a heading. Nothing but `nothing` where there is no row.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>], nothing: &str) -> String {
    if rows.is_empty() {
        return format!("{nothing}\n");
    }
    let heading: Vec<String> = heading.iter().map(|&word| word.to_owned()).collect();
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            let cells = std::iter::once(&heading).chain(rows).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    std::iter::once(&heading).chain(rows).fold(String::new(), |text, row| {
        let line = row
            .iter()
            .zip(&widths)
            .fold(String::new(), |line, (cell, &width)| format!("{line}{:width$}   ", plain(cell)));
        text + line.trim_end() + "\n"
    })
}

/// Names and values, a line each.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    facts.iter().fold(String::new(), |text, (name, value)| {
        text + format!("{name:width$}   {}", plain(value)).trim_end() + "\n"
    })
}

/// A list on one line.
pub(super) fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// Text of somebody else's, without what would command a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// Prints to standard output. A reader who went away has read enough: returns whether one is there.
pub(super) fn print(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Io("standard output cannot be written".to_owned(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_a_terminal_is_not_commanded() {
        let rows = vec![
            vec!["ïvan".to_owned(), "user".to_owned()],
            vec!["a\u{1b}[2J".to_owned(), String::new()],
        ];
        assert_eq!(
            table(&["NAME", "ROLES"], &rows, "nobody"),
            "NAME    ROLES\nïvan    user\na\u{FFFD}[2J\n"
        );
        assert_eq!(table(&["NAME"], &[], "nobody"), "nobody\n");
    }
}
