//! Roles: which permissions a role carries or denies, which roles it includes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
#[non_exhaustive]
pub struct Unfolded {
    /// The roles themselves and all they include.
    pub roles: BTreeSet<Role>,
    /// What they allow.
    pub allowed: BTreeSet<Permission>,
    /// What they deny.
    pub denied: BTreeSet<Permission>,
}

/// How roles came to be held: see [`Roles::ways`].
#[derive(Clone, Debug, Default)]
pub struct Ways {
    came_from: BTreeMap<Role, Option<Role>>,
    order: Vec<Role>,
}

impl Ways {
    /// Every role held, the nearest first.
    pub fn held(&self) -> impl Iterator<Item = &Role> {
        self.order.iter()
    }

    /// From the role that was assigned to this one: `admin`, `moderator`, say. `None` where it is
    /// not held.
    #[must_use]
    pub fn to(&self, role: &Role) -> Option<Vec<Role>> {
        let mut way = vec![role.clone()];
        let mut at = self.came_from.get(role)?;
        while let Some(from) = at {
            way.push(from.clone());
            at = self.came_from.get(from)?;
        }
        way.reverse();
        Some(way)
    }
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

    /// How each role came to be held by whoever was assigned these: from which role, and none for
    /// those assigned themselves. Follows the shortest way.
    #[must_use]
    pub fn ways(&self, assigned: impl IntoIterator<Item = Role>) -> Ways {
        let mut came_from = BTreeMap::new();
        let mut order = Vec::new();
        let mut open: VecDeque<(Role, Option<Role>)> =
            assigned.into_iter().map(|role| (role, None)).collect();
        while let Some((name, from)) = open.pop_front() {
            let Some(record) = self.records.get(&name) else { continue };
            if came_from.contains_key(&name) {
                continue;
            }
            let included = record.includes.iter().map(|one| (one.clone(), Some(name.clone())));
            open.extend(included);
            order.push(name.clone());
            came_from.insert(name, from);
        }
        Ways { came_from, order }
    }

    /// Finds a role that includes itself: the way round, its first role again at the end.
    #[must_use]
    pub fn cycle(&self) -> Option<Vec<Role>> {
        let mut done = BTreeSet::new();
        self.records.keys().find_map(|name| self.cycle_from(name, &mut done))
    }

    fn included<'a>(&'a self, name: &'a Role) -> impl Iterator<Item = &'a Role> + use<'a> {
        self.records.get(name).into_iter().flat_map(|record| &record.includes)
    }

    /// Keeps its own stack: the way may be as long as there are roles.
    fn cycle_from<'a>(
        &'a self,
        start: &'a Role,
        done: &mut BTreeSet<&'a Role>,
    ) -> Option<Vec<Role>> {
        if done.contains(start) {
            return None;
        }
        let mut path = vec![(start, self.included(start))];
        let mut on_path = BTreeSet::from([start]);
        while let Some((name, rest)) = path.last_mut() {
            let Some(next) = rest.next() else {
                on_path.remove(*name);
                done.insert(*name);
                path.pop();
                continue;
            };
            if on_path.contains(next) {
                let round = path.iter().map(|(name, _)| *name).skip_while(|name| *name != next);
                return Some(round.chain([next]).cloned().collect());
            }
            if !done.contains(next) {
                on_path.insert(next);
                path.push((next, self.included(next)));
            }
        }
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
