//! Accounts of test clients: what they hold, and how they show it. For applications that `Auth` stands
//! behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

use super::client::header;
use super::{TestApp, TestClient, must};
use crate::auth::{AccessFormat, Actor, Caller, GrantRequest, NewAccount, SignedIn};
use crate::crypto::Secret;
use crate::problem::ProblemKind;
use crate::types::{
    ConditionSpec, Effect, Permission, Role, RoleRecord, Scope, Scopes, Subject, UserId,
};

/// The password of accounts that a test client makes.
const PASSWORD: &str = "orchids grow on tall trees";

/// How a client shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Token(Option<AccessFormat>),
    Cookie,
    Basic,
}

/// Who it is, what it holds, and how it shows it.
#[derive(Clone)]
pub(super) struct Account {
    username: String,
    password: String,
    roles: BTreeSet<Role>,
    grants: Vec<GrantRequest>,
    scopes: Option<BTreeSet<Scope>>,
    carried: Carried,
}

impl TestClient {
    pub(super) fn of(app: TestApp, username: &str) -> Self {
        let account = Account {
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            roles: BTreeSet::new(),
            grants: Vec::new(),
            scopes: None,
            carried: Carried::Token(None),
        };
        let mut client = Self::new(app);
        client.account = Some(account);
        client
    }

    pub(super) fn username(&self) -> Option<&str> {
        self.account.as_ref().map(|account| &*account.username)
    }

    #[track_caller]
    fn with(mut self, change: impl FnOnce(&mut Account)) -> Self {
        let account = self.account.as_mut().ok_or("nobody has no account: use app.user(…)");
        change(must("the account", account));
        self.credential = Arc::default();
        self
    }

    /// Holds this role, which is made where there is none.
    pub fn with_role(self, role: impl Into<Role>) -> Self {
        self.with(|account| {
            account.roles.insert(role.into());
        })
    }

    fn with_grant(
        self,
        effect: Effect,
        permission: Permission,
        condition: Option<ConditionSpec>,
    ) -> Self {
        let grant = GrantRequest { condition, ..GrantRequest::new(effect, permission) };
        self.with(|account| account.grants.push(grant))
    }

    /// Holds this permission directly.
    pub fn with_permission(self, permission: impl Into<Permission>) -> Self {
        self.with_grant(Effect::Allow, permission.into(), None)
    }

    /// Holds this permission while a condition holds.
    pub fn with_permission_when(
        self,
        permission: impl Into<Permission>,
        when: ConditionSpec,
    ) -> Self {
        self.with_grant(Effect::Allow, permission.into(), Some(when))
    }

    /// Is denied this permission, whatever else gives it.
    pub fn denied(self, permission: impl Into<Permission>) -> Self {
        self.with_grant(Effect::Deny, permission.into(), None)
    }

    /// Shows a token limited to this scope, and to those asked for before. Without any, a token
    /// has every scope the user may have.
    pub fn with_scope(self, scope: impl Into<Scope>) -> Self {
        self.with_scopes([scope.into()])
    }

    /// Shows a token limited to these scopes, and to those asked for before; to none where none
    /// was ever asked for.
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.with(|account| account.scopes.get_or_insert_default().extend(scopes))
    }

    /// Signs in with this password: for accounts that were made elsewhere.
    pub fn with_password(self, password: &str) -> Self {
        self.with(|account| password.clone_into(&mut account.password))
    }

    /// Shows an opaque access token.
    pub fn opaque(self) -> Self {
        self.carrying(Carried::Token(Some(AccessFormat::Opaque)))
    }

    /// Shows a JWT.
    pub fn jwt(self) -> Self {
        self.carrying(Carried::Token(Some(AccessFormat::Jwt)))
    }

    /// Shows the cookie of a session, as a page of the same site does.
    pub fn cookie(self) -> Self {
        self.carrying(Carried::Cookie)
    }

    /// Shows username and password with every request.
    pub fn basic(self) -> Self {
        self.carrying(Carried::Basic)
    }

    pub(super) fn carrying(self, carried: Carried) -> Self {
        self.with(|account| account.carried = carried)
    }

    /// Makes the account if it is not there, and says who it is.
    ///
    /// # Panics
    /// Where the rules refuse, and for nobody.
    pub async fn id(&self) -> UserId {
        let account = must("the account", self.account.as_ref().ok_or("nobody has no account"));
        self.account(account).await
    }

    /// The header that shows who it is.
    ///
    /// # Panics
    /// Where the rules refuse, and for nobody.
    pub async fn credential(&self) -> (HeaderName, HeaderValue) {
        let account = must("the account", self.account.as_ref().ok_or("nobody has none"));
        self.credential.get_or_init(|| self.sign_in(account)).await.clone()
    }

    async fn account(&self, wanted: &Account) -> UserId {
        let (auth, by) = (self.app.auth(), Actor::system());
        let found = auth.user_named(&wanted.username).await;
        let id = if let Some(Subject::User(id)) = must("looking for the account", found) {
            id
        } else {
            let new = NewAccount::new(&wanted.username, &wanted.password);
            must("making the account", auth.add_user(&by, new, true, &[]).await).id
        };
        let subject = Subject::User(id);
        let held = must("reading roles", auth.roles_of(&subject).await);
        for role in wanted.roles.difference(&held) {
            if auth.role(role).is_err() {
                match auth.add_role(&by, RoleRecord::new(role.clone())).await {
                    // Another client was quicker.
                    Err(problem) if problem.kind() == ProblemKind::Conflict => {}
                    made => must("making a role", made),
                }
            }
            must("assigning a role", auth.assign_role(&by, subject.clone(), role.clone()).await);
        }
        let held = must("reading grants", auth.grants_of(&subject).await);
        for wanted in &wanted.grants {
            let there = held.iter().any(|grant| {
                (grant.effect, &grant.permission, &grant.condition)
                    == (wanted.effect, &wanted.permission, &wanted.condition)
            });
            if !there {
                must("granting", auth.grant(&by, subject.clone(), wanted.clone()).await);
            }
        }
        id
    }

    async fn sign_in(&self, account: &Account) -> (HeaderName, HeaderValue) {
        self.account(account).await;
        let auth = self.app.auth();
        if account.carried == Carried::Basic {
            let pair = STANDARD.encode(format!("{}:{}", account.username, account.password));
            return header("authorization", &format!("Basic {pair}"));
        }
        let password = Secret::new(account.password.clone());
        let address = Some(self.app.fresh_address());
        let caller = Caller { address, ..Caller::default() };
        let signed = auth.sign_in(&caller.actor(), &account.username, password).await;
        let what = format!(
            "signing in {} (an account made elsewhere needs with_password, an inactive one cannot)",
            account.username
        );
        let signed: SignedIn = must(&what, signed);
        let Carried::Token(format) = account.carried else {
            let name = must("a cookie", self.app.cookie_name().ok_or("no scheme is a cookie"));
            let (_, value) = must("a session", auth.begin_cookie(&signed, caller).await);
            return header("cookie", &format!("{name}={}", value.expose()));
        };
        let scopes = match &account.scopes {
            Some(scopes) => Scopes::only(scopes.iter().cloned()),
            None => Scopes::All,
        };
        let issued = must("a token", auth.begin_tokens(&signed, scopes, format, caller).await);
        header("authorization", &format!("Bearer {}", issued.access.expose()))
    }
}
