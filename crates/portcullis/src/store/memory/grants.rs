use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::store::{Change, Grants, StoreError, StoredAccess, graph};
use crate::types::{Grant, GrantId, Role, RoleRecord, Subject};

const NO_ROLE: StoreError = StoreError::NotFound { what: "role" };

impl State {
    /// Refuses inclusions of what is not there, or of the role itself.
    fn refuse_inclusions(&self, role: &RoleRecord) -> Result<(), StoreError> {
        let mut graph = self.inclusions();
        graph.insert(role.name.clone(), role.includes.clone());
        if role.includes.iter().any(|included| !graph.contains_key(included)) {
            return Err(NO_ROLE);
        }
        graph::refuse_cycle(&graph, &role.name)
    }
}

#[async_trait]
impl Grants for MemoryStore {
    async fn standing(&self, subject: &Subject) -> Result<Option<StoredAccess>, StoreError> {
        Ok(self.with(|state| {
            let (name, active, hash) = match subject {
                Subject::User(id) => {
                    let account = state.users.get(id)?;
                    let user = &account.user;
                    (user.username.clone(), user.active, account.password_hash.as_deref())
                }
                Subject::Client(id) => {
                    let client = state.clients.get(id)?;
                    (client.name.clone(), client.active, None)
                }
                Subject::External(_) | Subject::Guest => return None,
            };
            Some(StoredAccess {
                name,
                active,
                roles: state.assigned.get(subject).cloned().unwrap_or_default(),
                grants: state.grants.get(subject).cloned().unwrap_or_default(),
                password_version: StoredAccess::password_version(hash),
            })
        }))
    }

    async fn roles(&self) -> Result<Vec<RoleRecord>, StoreError> {
        Ok(self.with(|state| state.roles.values().cloned().collect()))
    }

    async fn insert_role(&self, role: &RoleRecord) -> Result<(), StoreError> {
        self.with(|state| {
            if state.roles.contains_key(&role.name) {
                return Err(StoreError::Conflict { field: "name" });
            }
            state.refuse_inclusions(role)?;
            state.roles.insert(role.name.clone(), role.clone());
            state.tell(Change::Roles);
            Ok(())
        })
    }

    async fn update_role(
        &self,
        role: &RoleRecord,
        required_role: Option<&Role>,
    ) -> Result<(), StoreError> {
        self.guarded(required_role, |state| {
            if !state.roles.contains_key(&role.name) {
                return Err(NO_ROLE);
            }
            state.refuse_inclusions(role)?;
            state.roles.insert(role.name.clone(), role.clone());
            state.tell(Change::Roles);
            Ok(())
        })
    }

    async fn delete_role(
        &self,
        name: &Role,
        required_role: Option<&Role>,
    ) -> Result<(), StoreError> {
        self.guarded(required_role, |state| {
            state.roles.remove(name).ok_or(NO_ROLE)?;
            for role in state.roles.values_mut() {
                role.includes.remove(name);
            }
            let mut touched = Vec::new();
            for (subject, roles) in &mut state.assigned {
                if roles.remove(name) {
                    touched.push(subject.clone());
                }
            }
            for subject in touched {
                state.tell(Change::Subject(subject));
            }
            state.tell(Change::Roles);
            Ok(())
        })
    }

    async fn assign_role(&self, subject: &Subject, role: &Role) -> Result<(), StoreError> {
        self.with(|state| {
            state.refuse_missing(subject)?;
            if !state.roles.contains_key(role) {
                return Err(NO_ROLE);
            }
            if state.assigned.entry(subject.clone()).or_default().insert(role.clone()) {
                state.tell(Change::Subject(subject.clone()));
            }
            Ok(())
        })
    }

    async fn unassign_role(
        &self,
        subject: &Subject,
        role: &Role,
        required_role: Option<&Role>,
    ) -> Result<bool, StoreError> {
        self.guarded(required_role, |state| {
            let was = state.assigned.get_mut(subject).is_some_and(|roles| roles.remove(role));
            if was {
                state.tell(Change::Subject(subject.clone()));
            }
            Ok(was)
        })
    }

    async fn holders(&self, role: &Role) -> Result<Vec<Subject>, StoreError> {
        self.with(|state| {
            let holding = state.assigned.iter().filter(|(_, roles)| roles.contains(role));
            Ok(holding.map(|(subject, _)| subject.clone()).collect())
        })
    }

    async fn insert_grant(&self, subject: &Subject, grant: &Grant) -> Result<(), StoreError> {
        self.with(|state| {
            state.refuse_missing(subject)?;
            if state.grants.values().flatten().any(|kept| kept.id == grant.id) {
                return Err(StoreError::Conflict { field: "id" });
            }
            let grants = state.grants.entry(subject.clone()).or_default();
            grants.push(grant.clone());
            grants.sort_by_key(|grant| (grant.created_at, grant.id));
            state.tell(Change::Subject(subject.clone()));
            Ok(())
        })
    }

    async fn set_grants(&self, subject: &Subject, grants: &[Grant]) -> Result<(), StoreError> {
        self.with(|state| {
            state.refuse_missing(subject)?;
            let ids: BTreeSet<GrantId> = grants.iter().map(|grant| grant.id).collect();
            let others = state.grants.iter().filter(|(holder, _)| *holder != subject);
            if ids.len() < grants.len()
                || others.flat_map(|(_, held)| held).any(|kept| ids.contains(&kept.id))
            {
                return Err(StoreError::Conflict { field: "id" });
            }
            let mut grants = grants.to_vec();
            grants.sort_by_key(|grant| (grant.created_at, grant.id));
            state.grants.insert(subject.clone(), grants);
            state.tell(Change::Subject(subject.clone()));
            Ok(())
        })
    }

    async fn delete_grant(&self, subject: &Subject, grant: GrantId) -> Result<bool, StoreError> {
        Ok(self.with(|state| {
            let Some(grants) = state.grants.get_mut(subject) else { return false };
            let before = grants.len();
            grants.retain(|kept| kept.id != grant);
            let was = grants.len() < before;
            if was {
                state.tell(Change::Subject(subject.clone()));
            }
            was
        }))
    }
}
