//! Who may call what, as a table: printed, and looped over by tests.

use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::policy::Requirement;

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

/// Every route, and who may call it. Displays as lines of aligned columns.
#[derive(Clone, Debug, Default)]
pub struct AccessTable {
    rows: Vec<AccessRow>,
}

impl AccessTable {
    /// Each row, in the order the routes were added.
    pub fn iter(&self) -> std::slice::Iter<'_, AccessRow> {
        self.rows.iter()
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
        Self { rows: rows.into_iter().collect() }
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
