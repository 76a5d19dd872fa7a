//! What can be wrong with a table of routes, found before axum would panic over it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::AccessRow;
use super::access::patterns;
use super::row::Row;
use crate::gate::Gate;
use crate::openapi::captures;
use crate::problem::ConfigError;
use crate::types::{Permission, SchemeName, ScopeBook};

fn setting(row: &AccessRow) -> String {
    format!("routes.{} {}", row.method, row.path)
}

/// Every path must be one, and no two routes may stand in each other's way.
pub(super) fn rows<'a>(rows: impl Iterator<Item = &'a AccessRow>, faults: &mut ConfigError) {
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    let mut router = matchit::Router::new();
    for row in rows {
        let path = &*row.path;
        if !known.insert((row.method.as_str(), path)) {
            faults.add(&setting(row), "this route is there twice", "keep one");
        }
        if !paths.insert(path) || path == "/*" {
            continue;
        }
        if let Some((wrong, fix)) = path_fault(path.strip_suffix("/*").unwrap_or(path)) {
            faults.add(&setting(row), wrong, fix);
            continue;
        }
        for pattern in patterns(row) {
            let Err(error) = router.insert(pattern, ()) else { continue };
            let wrong = match error {
                matchit::InsertError::Conflict { with } => {
                    format!("the path matches what `{with}` matches")
                }
                _ => "the path cannot be read".to_owned(),
            };
            faults.add(
                &setting(row),
                wrong,
                "write it like `/items/{id}` or `/files/{*rest}`, with one name for the same part",
            );
        }
    }
}

fn path_fault(path: &str) -> Option<(&'static str, &'static str)> {
    let names = captures(path);
    let distinct: BTreeSet<&&str> = names.iter().collect();
    if !path.starts_with('/') {
        Some(("the path does not begin with `/`", "write `/` first"))
    } else if path.split('/').any(|segment| segment.starts_with([':', '*'])) {
        Some(("a segment begins with `:` or `*`", "write `{id}` or `{*rest}`"))
    } else if path.contains(['?', '#']) {
        Some(("the path has a query or a fragment", "take the query with `Query<T>`"))
    } else if path.contains("{{") || path.contains("}}") {
        Some(("the path has a literal brace", "write `%7B` and `%7D`"))
    } else if distinct.len() != names.len() {
        Some(("two parts of the path have the same name", "give each a name of its own"))
    } else {
        None
    }
}

/// A route may only accept schemes that the gate has.
pub(super) fn schemes(
    row: &AccessRow,
    accepts: Option<&[SchemeName]>,
    gate: &Gate,
    faults: &mut ConfigError,
) {
    let unknown =
        |name: &&SchemeName| gate.documented(Some(std::slice::from_ref(*name))).is_empty();
    for name in accepts.unwrap_or_default().iter().filter(unknown) {
        let wrong = format!("it accepts the scheme `{name}`, which the gate does not have");
        faults.add(&setting(row), wrong, "name a scheme that was given to the gate");
    }
    let none = accepts.map_or_else(|| gate.documented(None).is_empty(), <[_]>::is_empty);
    if none && !row.who.is_public() {
        let wrong = "nobody can sign in: it accepts no scheme";
        faults.add(&setting(row), wrong, "give the gate a scheme, or the route `public(…)`");
    }
}

/// A requirement may only name what can be named, and only permissions that exist, where the
/// application says which do.
pub(super) fn names(
    row: &AccessRow,
    known: Option<&BTreeSet<Permission>>,
    faults: &mut ConfigError,
) {
    for fault in row.who.invalid_names() {
        faults.add(&setting(row), fault.to_string(), "correct the name in its requirement");
    }
    let parts = captures(&row.path);
    for part in row.who.parts().into_iter().filter(|part| !parts.contains(part)) {
        let wrong = format!("it asks for a place by `{{{part}}}`, which is no part of the path");
        faults.add(&setting(row), wrong, "name a part of the path, such as `tenant`");
    }
    let Some(known) = known else { return };
    for name in row.who.permissions().into_iter().filter(|name| !name.is_among(known)) {
        let wrong = format!("it asks for the permission `{name}`, which nobody registered");
        let fix = "correct its name, or add it to the gate's `known_permissions`";
        faults.add(&setting(row), wrong, fix);
    }
}

/// A route may only ask for scopes that exist, where any were registered.
pub(super) fn scopes(row: &AccessRow, book: &ScopeBook, faults: &mut ConfigError) {
    if book.rules.is_empty() {
        return;
    }
    for name in row.who.scopes().into_iter().filter(|name| !book.rules.contains_key(*name)) {
        let wrong = format!("it asks for the scope `{name}`, which nobody registered");
        faults.add(&setting(row), wrong, "register the scope, or correct its name");
    }
}

/// Rules about other origins may only be given to a path that is served.
pub(super) fn cors<'a, S: 'a>(
    paths: impl Iterator<Item = &'a Arc<str>>,
    rows: &[Row<S>],
    faults: &mut ConfigError,
) {
    for path in paths.filter(|path| !rows.iter().any(|row| row.access.path == **path)) {
        let wrong = format!("rules are given to `{path}`, which no route serves");
        faults.add("routes.cors", wrong, "name the path as its route does");
    }
}
