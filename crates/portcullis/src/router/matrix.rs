//! Route × role: who may call what, at a glance.

use std::fmt;

use http::Method;
use serde::Serialize;

use super::AccessTable;
use crate::policy::{Requirement, Roles, Term};
use crate::types::{Access, Principal, Role, ScopeBook, Subject, UserId};

use std::sync::Arc;

/// Every route against every role: what somebody could do who holds that role and nothing else,
/// with a credential that carries every scope.
///
/// Displays as aligned columns, and serializes: a snapshot of it shows in review who gains and who
/// loses what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// What stands over the columns: `anyone`, `signed in`, then each role, the lesser first.
    pub columns: Vec<String>,
    /// The routes, in the order they were added.
    pub rows: Vec<MatrixRow>,
}

/// One route, and a cell for each column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatrixRow {
    /// The method.
    #[serde(serialize_with = "method")]
    pub method: Method,
    /// The path as declared.
    pub path: Arc<str>,
    /// Who may call it, in words.
    pub requires: String,
    /// A cell for each column.
    pub cells: Vec<Cell>,
}

fn method<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// Whether a role opens a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cell {
    /// Always.
    Yes,
    /// Never.
    No,
    /// For what is theirs: the handler asks.
    Owner,
    /// While a condition holds, or for one subject alone.
    Conditional,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "-",
            Self::Owner => "owner",
            Self::Conditional => "conditional",
        })
    }
}

impl Cell {
    fn of(what: &Requirement, who: &Principal) -> Self {
        match what.term() {
            Term::Public(_) => Self::Yes,
            Term::Owner(_) => Self::Owner,
            Term::When(_) | Term::Asked(_) | Term::Is(_) => Self::Conditional,
            Term::All(terms) => {
                let cells: Vec<Self> = terms.iter().map(|term| Self::of(term, who)).collect();
                Self::first(&cells, [Self::No, Self::Conditional, Self::Owner], Self::Yes)
            }
            Term::Any(terms) => {
                let cells: Vec<Self> = terms.iter().map(|term| Self::of(term, who)).collect();
                Self::first(&cells, [Self::Yes, Self::Conditional, Self::Owner], Self::No)
            }
            // Signed in, a role, a permission, a scope: roles alone decide.
            _ if what.check(who) == crate::policy::Decision::Permit => Self::Yes,
            _ => Self::No,
        }
    }

    fn first(cells: &[Self], order: [Self; 3], otherwise: Self) -> Self {
        order.into_iter().find(|one| cells.contains(one)).unwrap_or(otherwise)
    }
}

impl AccessTable {
    /// Every route against every role.
    ///
    /// ```
    /// use portcullis::credential::basic;
    /// use portcullis::policy::{Roles, owner, permission, public};
    /// use portcullis::router::{AccessRow, AccessTable};
    /// use portcullis::types::ScopeBook;
    ///
    /// let row = |method: http::Method, path: &str, who| AccessRow {
    ///     method,
    ///     path: path.into(),
    ///     who,
    ///     tag: None,
    /// };
    /// let table: AccessTable = [
    ///     row(http::Method::GET, "/items", public("a shop window")),
    ///     row(http::Method::DELETE, "/items/{id}", permission("items:delete") | owner("item")),
    /// ]
    /// .into_iter()
    /// .collect();
    /// let roles = Roles::new().grant("editor", ["items:*"]);
    /// let matrix = table.matrix(&roles, &ScopeBook::new());
    /// assert_eq!(
    ///     matrix.to_string(),
    ///     "                     anyone  signed in  editor\n\
    ///      GET     /items       yes     yes        yes\n\
    ///      DELETE  /items/{id}  -       owner      yes\n"
    /// );
    /// ```
    #[must_use]
    pub fn matrix(&self, roles: &Roles, scopes: &ScopeBook) -> Matrix {
        let scopes = Arc::new(scopes.clone());
        let holder = |role: Option<&Role>| {
            let held = roles.unfold(role.cloned());
            let mut who = Principal::new(Subject::User(UserId(uuid::Uuid::nil())), "");
            who.access = Arc::new(Access {
                roles: held.roles,
                allowed: held.allowed,
                denied: held.denied,
                scopes: Arc::clone(&scopes),
                ..Access::default()
            });
            who
        };
        let mut each: Vec<(usize, &Role)> = roles
            .records()
            .map(|record| (roles.unfold([record.name.clone()]).roles.len(), &record.name))
            .collect();
        each.sort();
        let columns: Vec<(String, Option<Principal>)> = [("anyone".to_owned(), None)]
            .into_iter()
            .chain([("signed in".to_owned(), Some(holder(None)))])
            .chain(each.into_iter().map(|(_, role)| (role.to_string(), Some(holder(Some(role))))))
            .collect();
        let cell = |what: &Requirement, who: &Option<Principal>| match who {
            Some(who) => Cell::of(what, who),
            None if what.is_public() => Cell::Yes,
            None => Cell::No,
        };
        let rows = self.iter().map(|row| MatrixRow {
            method: row.method.clone(),
            path: Arc::clone(&row.path),
            requires: row.who.to_string(),
            cells: columns.iter().map(|(_, who)| cell(&row.who, who)).collect(),
        });
        let rows = rows.collect();
        Matrix { columns: columns.into_iter().map(|(name, _)| name).collect(), rows }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default() + 2;
        let methods = widest(&mut self.rows.iter().map(|row| row.method.as_str().len()));
        let paths = widest(&mut self.rows.iter().map(|row| row.path.chars().count()));
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let cells = self.rows.iter().filter_map(|row| row.cells.get(at));
                let cells = cells.map(|cell| cell.to_string().len());
                widest(&mut cells.chain([name.chars().count()]))
            })
            .collect();
        let line = |first: String, cells: &mut dyn Iterator<Item = String>| {
            let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            format!("{first}{}", padded.collect::<String>()).trim_end().to_owned()
        };
        let head = format!("{:1$}", "", methods + paths);
        writeln!(f, "{}", line(head, &mut self.columns.iter().cloned()))?;
        for row in &self.rows {
            let first = format!("{:methods$}{:paths$}", row.method.as_str(), row.path);
            writeln!(f, "{}", line(first, &mut row.cells.iter().map(ToString::to_string)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::conditions::SecondFactor;
    use crate::policy::{authenticated, owner, permission, public, role, scope, when};
    use crate::router::AccessRow;

    fn table(rows: Vec<(Method, &str, Requirement)>) -> AccessTable {
        let row = |(method, path, who): (Method, &str, Requirement)| AccessRow {
            method,
            path: path.into(),
            who,
            tag: None,
        };
        rows.into_iter().map(row).collect()
    }

    #[test]
    fn each_cell_says_what_the_role_alone_opens() {
        let roles = Roles::new()
            .include("admin", "editor")
            .grant("editor", ["write"])
            .grant("admin", ["users:*"])
            .deny("intern", ["write"])
            .include("intern", "editor");
        let scopes =
            ScopeBook::new().register("read", "Read.").register_for("w", "Write.", "write");
        let table = table(vec![
            (Method::GET, "/", public("a greeting")),
            (Method::GET, "/me", authenticated()),
            (Method::GET, "/items", scope("read")),
            (Method::POST, "/items", scope("w") & permission("write")),
            (Method::DELETE, "/items/{id}", permission("write") & owner("item")),
            (Method::POST, "/pay", permission("write") & when(SecondFactor)),
            (Method::GET, "/users", permission("users:read") | when(SecondFactor)),
            (Method::GET, "/admin", role("admin")),
        ]);
        let matrix = table.matrix(&roles, &scopes);
        let expected = "                     anyone  signed in    editor       admin        intern
GET     /            yes     yes          yes          yes          yes
GET     /me          -       yes          yes          yes          yes
GET     /items       -       yes          yes          yes          yes
POST    /items       -       -            yes          yes          -
DELETE  /items/{id}  -       -            owner        owner        -
POST    /pay         -       -            conditional  conditional  -
GET     /users       -       conditional  conditional  yes          conditional
GET     /admin       -       -            -            yes          -
";
        assert_eq!(matrix.to_string(), expected);
        let json = serde_json::to_value(&matrix).unwrap();
        assert_eq!(json["rows"][3]["cells"][2], "yes");
        assert_eq!(json["rows"][3]["requires"], "scope w and permission write");
    }

    #[test]
    fn a_request_is_found_by_method_and_path() {
        let table = table(vec![
            (Method::GET, "/items", authenticated()),
            (Method::DELETE, "/items", role("a")),
            (Method::GET, "/items/{id}", role("b")),
            (Method::GET, "/items/new", role("c")),
            (Method::GET, "/files/{*rest}", role("d")),
        ]);
        let found = |method: Method, path: &str| table.find(&method, path).map(|r| &*r.path);
        assert_eq!(found(Method::GET, "/items?page=2"), Some("/items"));
        assert_eq!(found(Method::HEAD, "/items/7"), Some("/items/{id}"));
        assert_eq!(found(Method::GET, "/items/new"), Some("/items/new"));
        assert_eq!(found(Method::GET, "/files/a/b"), Some("/files/{*rest}"));
        assert_eq!(found(Method::POST, "/items"), None);
        assert_eq!(found(Method::GET, "/items/"), None);
        assert_eq!(
            table.find(&Method::DELETE, "/items").map(|row| row.who.to_string()),
            Some("role a".to_owned())
        );
    }
}
