//! Every route of the access table, asked by strangers.

#[cfg(feature = "auth")]
mod holds;
mod own;
#[cfg(feature = "auth")]
mod row;
mod way;

pub use own::{Held, hostile_by};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Method;
use serde_json::Value;

#[cfg(feature = "auth")]
use super::TestApp;
use super::must;
use crate::policy::Roles;
use crate::router::AccessRow;

type Bodies = Box<dyn Fn(&AccessRow) -> Option<Value> + Send + Sync>;

/// What [`hostile()`] must be told to ask every route: nearly nothing.
#[must_use]
pub struct Setup {
    parameters: BTreeMap<String, String>,
    body: Bodies,
    from: Option<IpAddr>,
    roles: Option<Roles>,
    reads: BTreeSet<(String, String)>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Fills each part of a path with an id that nothing has, and each body with `{}`.
    pub fn new() -> Self {
        Self {
            parameters: BTreeMap::new(),
            body: Box::new(|_| None),
            from: None,
            roles: None,
            reads: BTreeSet::new(),
        }
    }

    /// Fills this part of every path with this value: `{name}`, or `{*name}`.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sends these bodies. A route for which there is none gets `{}`: that does for routes that
    /// are refused, or let through, before the body is read.
    pub fn body(
        mut self,
        body: impl Fn(&AccessRow) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        self.body = Box::new(body);
        self
    }

    /// Connects from here: an address from which the conditions of all routes hold. Different
    /// addresses of loopback where this is left out.
    ///
    /// # Panics
    /// Where it is no address.
    #[track_caller]
    pub fn from(mut self, address: &str) -> Self {
        self.from = Some(must("an address", address.parse()));
        self
    }

    /// The roles that were written in code and given to the gate.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = Some(roles);
        self
    }

    /// This public route looks at credentials by itself: its handler takes `Option<Principal>`, or
    /// reads the `Authorization` header as OAuth endpoints do. Then it may refuse whoever brings none.
    pub fn reads_credentials(mut self, method: &Method, path: &str) -> Self {
        self.reads.insert((method.to_string(), path.to_owned()));
        self
    }

    fn may_read_credentials(&self, row: &AccessRow) -> bool {
        self.reads.contains(&(row.method.to_string(), row.path.to_string()))
    }

    /// What the parts of a path are filled with, by name.
    fn parts(&self, row: &AccessRow) -> Vec<(Arc<str>, Arc<str>)> {
        let named = row.path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        let names = named.map(|(name, _)| name.trim_start_matches('*'));
        let value = |name| self.parameters.get(name).map_or(NOTHING, String::as_str);
        names.map(|name| (name.into(), value(name).into())).collect()
    }

    fn path(&self, row: &AccessRow) -> String {
        let filled = row.path.trim_end_matches("/*").split('/').map(|segment| {
            let Some((before, rest)) = segment.split_once('{') else { return segment.to_owned() };
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            let name = name.trim_start_matches('*');
            let value = self.parameters.get(name).map_or(NOTHING, String::as_str);
            format!("{before}{value}{after}")
        });
        let path = filled.collect::<Vec<_>>().join("/");
        if path.is_empty() { format!("/{NOTHING}") } else { path }
    }
}

/// An id that nothing has.
const NOTHING: &str = "00000000-0000-7000-8000-000000000000";

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Covered {
    /// Every route, as `GET /items/{id}`.
    pub routes: BTreeSet<String>,
    /// How many requests were made.
    pub requests: usize,
}

/// Asks every route of the access table as a stranger would, and as somebody who may.
///
/// - Nobody is answered 401, with a challenge for every scheme that has one, as a problem.
/// - A bad credential of every scheme the route accepts is answered 401: wrong, malformed, forged,
///   ended, or of an inactive user. So is a good one of a scheme it does not accept; two at once
///   are answered 400.
/// - Somebody who holds all but one of the things required is answered 403 or 404, and so is
///   somebody who holds everything and is denied a permission.
/// - Somebody who holds just what is required comes through, by every scheme the route accepts and
///   on every way the requirement offers. Whatever the handler then says counts, unless it is a
///   401, a 403 (404 is its word for what is not there), a 429 or a fault of the server.
/// - A mounted router (`ANY /legacy/*`) is asked by GET at its prefix.
/// - A public route is never answered 401, and a bad credential does not change its answer.
///
/// What is held comes from the requirement itself, so a route that is added is asked without a
/// word here. A requirement whose conditions do not hold at the rules' clock and
/// [`Setup::from`], or that no test account can satisfy, fails the test: no route goes untried.
///
/// # Panics
/// With the list of every answer that was not right, and where a route could not be tried.
#[cfg(feature = "auth")]
pub async fn hostile(app: &TestApp, setup: &Setup) -> Covered {
    let mut covered = Covered::default();
    let mut faults = Vec::new();
    let spent = row::Spent::of(app).await;
    for (number, entry) in app.access().iter().enumerate() {
        let mut asked = row::Asked::new(app, setup, &spent, entry, number);
        asked.all().await;
        covered.requests += asked.requests;
        faults.append(&mut asked.faults);
        covered.routes.insert(format!("{} {}", entry.method, entry.path));
    }
    assert!(covered.requests > 0, "the access table is empty");
    assert!(faults.is_empty(), "{} answers are not right:\n{}", faults.len(), faults.join("\n"));
    covered
}

#[cfg(feature = "auth")]
#[cfg(test)]
mod tests;
