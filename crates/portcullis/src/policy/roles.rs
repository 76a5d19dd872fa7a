//! Roles: which permissions a role carries or denies, which roles it includes.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::ConfigError;
use crate::types::{Permission, Role, RoleRecord};

/// The roles that exist, as a graph of inclusion.
///
/// ```
/// use portcullis::policy::Roles;
///
/// let roles = Roles::new()
///     .grant("editor", ["article:write"])
///     .include("admin", "editor")
///     .grant("admin", ["users:manage"]);
/// let held = roles.unfold(["admin".into()]);
/// assert!(held.roles.contains("editor"));
/// assert!(held.allowed.contains("article:write"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Roles {
    records: BTreeMap<Role, RoleRecord>,
}

/// What a set of roles amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfolded {
    /// The roles themselves and all they include.
    pub roles: BTreeSet<Role>,
    /// What they allow.
    pub allowed: BTreeSet<Permission>,
    /// What they deny.
    pub denied: BTreeSet<Permission>,
}

impl Roles {
    /// No roles.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the role carry these permissions, and makes it where it is not there.
    #[must_use]
    pub fn grant<P: Into<Permission>>(
        mut self,
        role: &str,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        self.entry(role).permissions.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Lets the role deny these permissions, whatever else its holders have.
    #[must_use]
    pub fn deny<P: Into<Permission>>(
        mut self,
        role: &str,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        self.entry(role).denied.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Lets the role include another: its holders hold that too.
    #[must_use]
    pub fn include(mut self, role: &str, included: &str) -> Self {
        self.entry(included);
        self.entry(role).includes.insert(included.into());
        self
    }

    /// Gives the role a sentence for people.
    #[must_use]
    pub fn describe(mut self, role: &str, sentence: &str) -> Self {
        sentence.clone_into(&mut self.entry(role).description);
        self
    }

    /// Every role.
    pub fn records(&self) -> impl Iterator<Item = &RoleRecord> {
        self.records.values()
    }

    /// The role of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RoleRecord> {
        self.records.get(name)
    }

    /// What holding these roles amounts to. A role that is not there gives nothing.
    #[must_use]
    pub fn unfold(&self, held: impl IntoIterator<Item = Role>) -> Unfolded {
        let mut unfolded = Unfolded::default();
        let mut open: Vec<Role> = held.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some(record) = self.records.get(&name) else { continue };
            if unfolded.roles.insert(name) {
                unfolded.allowed.extend(record.permissions.iter().cloned());
                unfolded.denied.extend(record.denied.iter().cloned());
                open.extend(record.includes.iter().cloned());
            }
        }
        unfolded
    }

    /// Finds a role that includes itself: the way round, its first role again at the end.
    #[must_use]
    pub fn cycle(&self) -> Option<Vec<Role>> {
        let mut done = BTreeSet::new();
        self.records.keys().find_map(|name| self.cycle_from(name, &mut Vec::new(), &mut done))
    }

    fn cycle_from(
        &self,
        name: &Role,
        path: &mut Vec<Role>,
        done: &mut BTreeSet<Role>,
    ) -> Option<Vec<Role>> {
        if let Some(start) = path.iter().position(|one| one == name) {
            let mut way: Vec<Role> = path[start..].to_vec();
            way.push(name.clone());
            return Some(way);
        }
        if done.contains(name) {
            return None;
        }
        path.push(name.clone());
        let includes = self.records.get(name).into_iter().flat_map(|record| &record.includes);
        for included in includes {
            if let Some(way) = self.cycle_from(included, path, done) {
                return Some(way);
            }
        }
        path.pop();
        done.insert(name.clone());
        None
    }

    /// Notes what is wrong with roles written in code: a cycle, or a name that cannot be one.
    pub fn faults(&self, faults: &mut ConfigError) {
        if let Some(way) = self.cycle() {
            let way: Vec<&str> = way.iter().map(Role::as_str).collect();
            faults.add(
                "roles",
                format!("a role includes itself: {}", way.join(" > ")),
                "take one of these inclusions out",
            );
        }
        for record in self.records.values() {
            let names = std::iter::once(Role::parse(record.name.as_str()).err()).chain(
                record
                    .permissions
                    .iter()
                    .chain(&record.denied)
                    .map(|permission| Permission::parse(permission.as_str()).err()),
            );
            for fault in names.flatten() {
                faults.add("roles", fault.to_string(), "use letters, digits, '-', '_', '.', ':'");
            }
        }
    }

    fn entry(&mut self, name: &str) -> &mut RoleRecord {
        self.records.entry(name.into()).or_insert_with(|| RoleRecord::new(name))
    }
}

impl FromIterator<RoleRecord> for Roles {
    fn from_iter<I: IntoIterator<Item = RoleRecord>>(records: I) -> Self {
        Self { records: records.into_iter().map(|record| (record.name.clone(), record)).collect() }
    }
}
