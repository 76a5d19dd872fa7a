//! Who may call what, as a table: printed, and looped over by tests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::Method;

use crate::extract::decoded_path;
use crate::policy::Requirement;
use crate::types::PathParts;

/// One route, and who may call it.
#[derive(Clone, Debug)]
pub struct AccessRow {
    /// The method. GET serves HEAD too.
    pub method: Method,
    /// The path as declared, such as `/items/{id}`.
    pub path: Arc<str>,
    /// Who may call it.
    pub who: Requirement,
    /// What it is grouped under.
    pub tag: Option<Arc<str>>,
}

/// The method of a row that covers every method.
pub(super) fn any_method() -> Method {
    Method::from_bytes(b"ANY").unwrap_or_default()
}

impl AccessRow {
    /// Whether this is no single route: a mounted router (`ANY /legacy/*`) or what answers where
    /// no route does (`ANY /*`).
    #[must_use]
    pub fn covers_all_below(&self) -> bool {
        self.path.ends_with("/*")
    }

    fn covers(&self, method: &Method) -> bool {
        self.method == *method || self.method.as_str() == "ANY"
    }
}

/// The paths at which a row answers, as the router writes them.
pub(super) fn patterns(row: &AccessRow) -> Vec<String> {
    match row.path.strip_suffix("/*") {
        None => vec![row.path.to_string()],
        Some(prefix) => {
            vec![prefix.to_owned(), format!("{prefix}/"), format!("{prefix}/{{*below}}")]
        }
    }
}

/// Every route, and who may call it. Displays as lines of aligned columns.
#[derive(Clone, Debug, Default)]
pub struct AccessTable {
    rows: Vec<AccessRow>,
    /// The rows of each path, made when first asked for.
    by_path: OnceLock<matchit::Router<Vec<usize>>>,
}

impl AccessTable {
    /// Each row, in the order the routes were added.
    pub fn iter(&self) -> std::slice::Iter<'_, AccessRow> {
        self.rows.iter()
    }

    /// The route that would answer this request. `path` may have a query, which does not count.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<&AccessRow> {
        self.find_with_parts(method, path).map(|(row, _)| row)
    }

    /// As [`find`](Self::find), with the parts of the path that the route names, decoded. There are
    /// none where one of them cannot be decoded: then it names no place.
    ///
    /// ```
    /// # use portcullis::gate::Gate;
    /// # use portcullis::policy::public;
    /// # fn main() -> Result<(), portcullis::problem::ConfigError> {
    /// # let gate = Gate::builder().build()?;
    /// let who = public("notes that anyone may read");
    /// let app = gate.routes::<()>().get("/tenants/{tenant}/notes", who, async || "notes").finish()?;
    /// let (row, parts) = app.access.find_with_parts(&http::Method::GET, "/tenants/a%20b/notes").unwrap();
    /// assert_eq!(&*row.path, "/tenants/{tenant}/notes");
    /// assert_eq!(parts[..], [("tenant".into(), "a b".into())]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn find_with_parts(&self, method: &Method, path: &str) -> Option<(&AccessRow, PathParts)> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        let Ok(found) = self.by_path.get_or_init(|| self.index()).at(path) else {
            let fallback = self.rows.iter().find(|row| &*row.path == "/*");
            return fallback.map(|row| (row, PathParts::default()));
        };
        let mut rows = found.value.iter().filter_map(|at| self.rows.get(*at));
        let row = rows.find(|row| row.covers(wanted))?;
        let named = found.params.iter().filter(|_| !row.covers_all_below());
        let parts: Option<Vec<_>> =
            named.map(|(name, value)| Some((name.into(), decoded_path(value)?.into()))).collect();
        Some((row, parts.unwrap_or_default().into()))
    }

    fn index(&self) -> matchit::Router<Vec<usize>> {
        let mut paths: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        // A route comes before a mounted router, which answers only where no route has the path.
        for mounted in [false, true] {
            for (position, row) in self.rows.iter().enumerate() {
                if row.covers_all_below() != mounted || &*row.path == "/*" {
                    continue;
                }
                for path in patterns(row) {
                    if !mounted || !paths.contains_key(&path) {
                        paths.entry(path).or_default().push(position);
                    }
                }
            }
        }
        let mut router = matchit::Router::new();
        for (path, rows) in paths {
            // What cannot be inserted was refused when the table was finished.
            let _ = router.insert(path, rows);
        }
        router
    }
}

/// The access table of the application that a route becomes part of: for a handler that must know
/// its neighbours. Empty until [`Routes::finish`](super::Routes::finish) fills it.
#[derive(Clone, Debug, Default)]
pub struct AccessBook(Arc<OnceLock<AccessTable>>);

impl AccessBook {
    /// The table, once there is one.
    #[must_use]
    pub fn table(&self) -> Option<&AccessTable> {
        self.0.get()
    }

    pub(super) fn fill(&self, table: &AccessTable) {
        // A book belongs to one table of routes, which is finished once.
        let _ = self.0.set(table.clone());
    }
}

impl<'a> IntoIterator for &'a AccessTable {
    type Item = &'a AccessRow;
    type IntoIter = std::slice::Iter<'a, AccessRow>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<AccessRow> for AccessTable {
    fn from_iter<I: IntoIterator<Item = AccessRow>>(rows: I) -> Self {
        Self { rows: rows.into_iter().collect(), by_path: OnceLock::new() }
    }
}

impl fmt::Display for AccessTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |text: fn(&AccessRow) -> &str| {
            self.rows.iter().map(|row| text(row).chars().count()).max().unwrap_or_default()
        };
        let methods = widest(|row| row.method.as_str()) + 3;
        let paths = widest(|row| &row.path) + 4;
        for AccessRow { method, path, who, .. } in &self.rows {
            writeln!(f, "{:methods$}{path:paths$}{who}", method.as_str())?;
        }
        Ok(())
    }
}
