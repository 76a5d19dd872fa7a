//! The access matrix as a snapshot: who gains and who loses what, seen in review.

use crate::policy::Roles;
use crate::router::AccessTable;
use crate::types::ScopeBook;

/// Every route against every role, as text that is the same in every run: keep it in a file and
/// compare, by [`assert_matrix`] or any snapshot tool.
#[must_use]
pub fn matrix(access: &AccessTable, roles: &Roles, scopes: &ScopeBook) -> String {
    access.matrix(roles, scopes).to_string()
}

/// Compares the matrix with the one that was kept, line by line.
///
/// ```
/// use portcullis::gate::Gate;
/// use portcullis::policy::{Roles, public};
/// use portcullis::testing::{assert_matrix, matrix};
/// use portcullis::types::ScopeBook;
///
/// let gate = Gate::builder().build().unwrap();
/// let app = gate.routes::<()>().get("/", public("a greeting"), async || "hello").finish().unwrap();
/// let roles = Roles::new().grant("editor", ["write"]);
/// // In a test of yours: include_str!("access.txt").
/// let kept = r"
///         anyone  signed in  editor
/// GET  /  yes     yes        yes";
/// assert_matrix(kept.trim_start_matches('\n'), &matrix(&app.access, &roles, &ScopeBook::new()));
/// ```
///
/// # Panics
/// Where they differ, with the lines that went (`-`) and came (`+`).
#[expect(clippy::panic, reason = "a test speaks by panicking")]
#[track_caller]
pub fn assert_matrix(kept: &str, now: &str) {
    let lines = |text: &str| text.lines().map(str::trim_end).map(str::to_owned).collect::<Vec<_>>();
    let (kept, now) = (lines(kept), lines(now));
    if kept == now {
        return;
    }
    let without = |these: &[String], others: &[String], mark: char| {
        let only = these.iter().filter(|line| !others.contains(line));
        only.map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    let (went, came) = (without(&kept, &now, '-'), without(&now, &kept, '+'));
    panic!("the access matrix changed:\n{went}{came}the matrix now:\n{}\n", now.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_matrix_passes_whatever_the_line_ends() {
        assert_matrix("a b \r\nc", "a b\nc\n");
    }

    #[test]
    #[should_panic(expected = "- GET  /admin  -\n+ GET  /admin  yes\n")]
    fn a_route_that_opened_is_named() {
        assert_matrix("GET  /  yes\nGET  /admin  -\n", "GET  /  yes\nGET  /admin  yes\n");
    }
}
