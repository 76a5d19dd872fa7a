use async_trait::async_trait;

use super::MemoryStore;
use super::state::{Account, State};
use crate::store::cursor::{self, Cursor};
use crate::store::{Change, NewUser, StoreError, UserChange, UserFilter, Users, fold};
use crate::types::{Page, PageRequest, Role, SessionId, Subject, Timestamp, User, UserId};

const NO_USER: StoreError = StoreError::NotFound { what: "user" };

impl State {
    /// Refuses a login that is another's.
    fn refuse_taken(&self, user: &User) -> Result<(), StoreError> {
        let another = |holder: Option<&UserId>| holder.is_some_and(|id| *id != user.id);
        let taken = |login: &str| {
            let login = fold(login);
            another(self.usernames.get(&login)) || another(self.emails.get(&login))
        };
        if taken(&user.username) {
            return Err(StoreError::Conflict { field: "username" });
        }
        if user.email.as_deref().is_some_and(taken) {
            return Err(StoreError::Conflict { field: "email" });
        }
        Ok(())
    }

    fn index(&mut self, user: &User) {
        self.usernames.insert(fold(&user.username), user.id);
        if let Some(email) = &user.email {
            self.emails.insert(fold(email), user.id);
        }
    }

    fn forget_logins(&mut self, user: &User) {
        self.usernames.remove(&fold(&user.username));
        if let Some(email) = &user.email {
            self.emails.remove(&fold(email));
        }
    }
}

#[async_trait]
impl Users for MemoryStore {
    async fn insert_user(&self, new: NewUser) -> Result<(), StoreError> {
        self.with(|state| {
            let id = new.user.id;
            if state.users.contains_key(&id) {
                return Err(StoreError::Conflict { field: "id" });
            }
            state.refuse_taken(&new.user)?;
            if new.roles.iter().any(|role| !state.roles.contains_key(role)) {
                return Err(StoreError::NotFound { what: "role" });
            }
            state.index(&new.user);
            state.assigned.insert(Subject::User(id), new.roles);
            state.users.insert(id, Account { user: new.user, password_hash: new.password_hash });
            Ok(())
        })
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.with(|state| state.users.get(&id).map(|account| account.user.clone())))
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let login = fold(login);
        Ok(self.with(|state| {
            let id = state.usernames.get(&login).or_else(|| state.emails.get(&login))?;
            state.users.get(id).map(|account| account.user.clone())
        }))
    }

    async fn password_hash(&self, id: UserId) -> Result<Option<String>, StoreError> {
        Ok(self.with(|state| state.users.get(&id)?.password_hash.clone()))
    }

    async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        keep: Option<SessionId>,
        required_role: Option<&Role>,
        now: Timestamp,
    ) -> Result<(User, Vec<SessionId>), StoreError> {
        self.guarded(required_role, |state| {
            let before = state.users.get(&id).ok_or(NO_USER)?.clone();
            let user = change.apply(before.user.clone(), now);
            state.refuse_taken(&user)?;
            state.forget_logins(&before.user);
            state.index(&user);
            let ended = if change.ends_sessions() {
                state.drop_api_keys(|key| key.owner == Subject::User(id));
                state.end_all(now, |session| session.user == id && Some(session.id) != keep)
            } else {
                Vec::new()
            };
            let password_hash = change.password_hash.or(before.password_hash);
            state.users.insert(id, Account { user: user.clone(), password_hash });
            state.tell(Change::Subject(id.into()));
            Ok((user, ended))
        })
    }

    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &str,
        new: &str,
    ) -> Result<(), StoreError> {
        self.with(|state| {
            if let Some(account) = state.users.get_mut(&id)
                && account.password_hash.as_deref() == Some(old)
            {
                account.password_hash = Some(new.to_owned());
                state.tell(Change::Subject(id.into()));
            }
        });
        Ok(())
    }

    async fn delete_user(
        &self,
        id: UserId,
        required_role: Option<&Role>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.guarded(required_role, |state| {
            let account = state.users.remove(&id).ok_or(NO_USER)?;
            state.forget_logins(&account.user);
            let ended = state.end_all(now, |session| session.user == id);
            state.drop_sessions(|session| session.user == id);
            state.drop_api_keys(|key| key.owner == Subject::User(id));
            state.assigned.remove(&Subject::User(id));
            state.grants.remove(&Subject::User(id));
            state.tell(Change::Subject(id.into()));
            Ok(ended)
        })
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let after = Cursor::parse(page)?;
        let limit = cursor::limit(page);
        let place = |user: &User| Cursor::new(user.created_at, &user.id);
        let prefix = filter.username_prefix.as_deref().map(fold).unwrap_or_default();
        let mut found: Vec<User> = self.with(|state| {
            let users = state.users.values().map(|account| &account.user);
            users
                .filter(|user| fold(&user.username).starts_with(&prefix))
                .filter(|user| filter.active.is_none_or(|active| user.active == active))
                .filter(|user| place(user) > after)
                .cloned()
                .collect()
        });
        found.sort_by_key(place);
        found.truncate(limit + 1);
        Ok(cursor::paged(found, limit, place))
    }
}
