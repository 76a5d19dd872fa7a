//! Who a request speaks for.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::data::Data;
use super::{
    Access, ClientId, Permission, Place, Role, Scope, SessionId, Timestamp, TokenId, UserId,
};

/// Who this request speaks for: a user, a client, or nobody.
///
/// A cheap handle: what it holds is prebuilt and shared between requests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Principal {
    /// A user, a client or a guest.
    pub subject: Subject,
    /// The username, or the client's name; for an [`External`] subject what its issuer calls it;
    /// empty for a guest.
    pub name: Arc<str>,
    /// What the subject holds as of now.
    pub access: Arc<Access>,
    /// What the credential is limited to.
    pub scopes: Scopes,
    /// Whether the credential has no word for scopes: then it carries none, and none limits it.
    pub(crate) scopeless: bool,
    /// When the subject last proved who they are.
    pub authenticated_at: Option<Timestamp>,
    /// Which state of the account the credential was verified for, where the issuer says so: a change
    /// by it is refused once the account has another.
    pub credential_version: Option<u64>,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// The scheme that vouched.
    pub scheme: Option<SchemeName>,
    /// The session the credential belongs to.
    pub session: Option<SessionId>,
    /// The token that was shown.
    pub token: Option<TokenId>,
    /// The client that acts for the user; for an [`External`] subject, one of its issuer's.
    pub client: Option<ClientId>,
    /// The circumstances of this request.
    pub context: Context,
    /// What the application added.
    pub(crate) data: Data,
}

impl Principal {
    /// A principal that holds nothing yet. A verifier starts here.
    #[must_use]
    pub fn new(subject: Subject, name: impl Into<Arc<str>>) -> Self {
        Self {
            subject,
            name: name.into(),
            access: Arc::default(),
            scopes: Scopes::All,
            scopeless: false,
            authenticated_at: None,
            credential_version: None,
            second_factor: false,
            scheme: None,
            session: None,
            token: None,
            client: None,
            context: Context::default(),
            data: Data::default(),
        }
    }

    /// Holds these roles, as a verifier vouches. The gate adds what they include and carry.
    #[must_use]
    pub fn with_roles<R: Into<Role>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        Arc::make_mut(&mut self.access).roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Holds these permissions, as a verifier vouches.
    #[must_use]
    pub fn with_permissions<P: Into<Permission>>(
        mut self,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        Arc::make_mut(&mut self.access).allowed.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Holds these roles in one place, as a verifier vouches. The gate adds what they include and
    /// carry.
    #[must_use]
    pub fn with_roles_in<R: Into<Role>>(
        mut self,
        place: Place,
        roles: impl IntoIterator<Item = R>,
    ) -> Self {
        let held = Arc::make_mut(&mut self.access).within.entry(place).or_default();
        held.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Holds these permissions in one place, as a verifier vouches.
    ///
    /// ```
    /// use portcullis::types::{ClientId, Place, Principal, Subject};
    ///
    /// let who = Principal::new(Subject::Client(ClientId::from("sync")), "sync")
    ///     .with_permissions_in(Place::new("tenant", "acme"), ["notes:read"]);
    /// assert!(who.may_in(&Place::new("tenant", "acme"), &"notes:read".into()));
    /// assert!(!who.may_in(&Place::new("tenant", "other"), &"notes:read".into()));
    /// assert!(!who.may(&"notes:read".into()));
    /// ```
    #[must_use]
    pub fn with_permissions_in<P: Into<Permission>>(
        mut self,
        place: Place,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        let held = Arc::make_mut(&mut self.access).within.entry(place).or_default();
        held.allowed.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Is limited to these scopes: a token's bearer.
    #[must_use]
    pub fn with_scopes<C: Into<Scope>>(mut self, scopes: impl IntoIterator<Item = C>) -> Self {
        self.scopes = Scopes::only(scopes);
        self.scopeless = false;
        self
    }

    /// Is known by a credential that names no scopes at all, such as a token of an issuer that has
    /// none: it carries no scope, and none limits it.
    #[must_use]
    pub fn without_scopes(mut self) -> Self {
        self.scopes = Scopes::Only(Arc::default());
        self.scopeless = true;
        self
    }

    /// Keeps a value of the application's own, one of each type: a verifier adds it, and handlers and
    /// conditions read it.
    ///
    /// ```
    /// use portcullis::types::{ClientId, Principal, Subject};
    ///
    /// struct Plan(&'static str);
    ///
    /// let who = Principal::new(Subject::Client(ClientId::from("shop")), "shop").with(Plan("large"));
    /// assert_eq!(who.get::<Plan>().map(|plan| plan.0), Some("large"));
    /// assert!(who.get::<u64>().is_none());
    /// ```
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.data.insert(value);
        self
    }

    /// The value of this type that was added by [`with`](Self::with).
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.data.get()
    }

    /// The scopes that bound what the subject may do by this credential, whoever issued it; `None`
    /// where nothing does.
    #[must_use]
    pub fn limit(&self) -> Option<&BTreeSet<Scope>> {
        self.scopes.limit().filter(|_| !self.scopeless)
    }

    /// Nobody.
    #[must_use]
    pub fn guest() -> Self {
        Self::new(Subject::Guest, "")
    }

    /// Whether this is nobody.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.subject == Subject::Guest
    }

    /// Who it is by the word of another issuer, if that is how they are known.
    #[must_use]
    pub fn external(&self) -> Option<&External> {
        match &self.subject {
            Subject::External(external) => Some(external),
            _ => None,
        }
    }

    /// The user, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self.subject {
            Subject::User(id) => Some(id),
            _ => None,
        }
    }
}

/// A user, a client, somebody from elsewhere, or nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person with an account.
    User(UserId),
    /// A program that speaks for itself.
    Client(ClientId),
    /// Somebody, user or client, whom another issuer vouches for.
    External(External),
    /// Nobody.
    Guest,
}

/// Who somebody is by the word of another issuer.
///
/// Only both together name them: another issuer may give the same `subject` to somebody else, and
/// a client's name there says nothing of a client here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct External {
    /// Who vouches (`iss`).
    pub issuer: Arc<str>,
    /// Whom for (`sub`).
    pub subject: Arc<str>,
}

impl External {
    /// Whom `issuer` knows as `subject`.
    #[must_use]
    pub fn new(issuer: impl Into<Arc<str>>, subject: impl Into<Arc<str>>) -> Self {
        Self { issuer: issuer.into(), subject: subject.into() }
    }
}

impl fmt::Display for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted: a stranger chose it, and it may hold a line break.
        write!(f, "{:?} of {}", self.subject, self.issuer)
    }
}

impl From<External> for Subject {
    fn from(external: External) -> Self {
        Self::External(external)
    }
}

impl From<UserId> for Subject {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

impl From<ClientId> for Subject {
    fn from(id: ClientId) -> Self {
        Self::Client(id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Client(id) => write!(f, "client {id}"),
            Self::External(external) => external.fmt(f),
            Self::Guest => f.write_str("guest"),
        }
    }
}

/// What a credential is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scopes {
    /// Whatever the subject may have: a password or a cookie.
    All,
    /// These at the most: a token.
    Only(Arc<BTreeSet<Scope>>),
}

impl Scopes {
    /// These at the most.
    #[must_use]
    pub fn only<C: Into<Scope>>(scopes: impl IntoIterator<Item = C>) -> Self {
        Self::Only(Arc::new(scopes.into_iter().map(Into::into).collect()))
    }

    /// Whether this scope is within the limit.
    #[must_use]
    pub fn carries(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.contains(scope),
        }
    }

    /// What is within this limit and another.
    #[must_use]
    pub fn within(self, other: &Self) -> Self {
        match (self, other) {
            (one, Self::All) => one,
            (Self::All, other) => other.clone(),
            (Self::Only(one), Self::Only(other)) => {
                Self::only(one.intersection(other).cloned().collect::<Vec<Scope>>())
            }
        }
    }

    /// The scopes it is limited to; `None` where it is not limited.
    #[must_use]
    pub fn limit(&self) -> Option<&BTreeSet<Scope>> {
        match self {
            Self::All => None,
            Self::Only(scopes) => Some(scopes),
        }
    }
}

/// The parts of a request's path, each by its name in the route's path, decoded.
pub type PathParts = Arc<[(Arc<str>, Arc<str>)]>;

/// The circumstances of a request: what conditions look at.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    /// The method, such as `GET`.
    pub method: Option<http::Method>,
    /// The route's path as declared, such as `/items/{id}`.
    pub route: Option<Arc<str>>,
    /// Where the request came from, after the proxy rule was applied.
    pub address: Option<IpAddr>,
    /// The country the address is in, two letters, where something trusted said so.
    pub country: Option<[u8; 2]>,
    /// The moment the request is judged at.
    pub now: Timestamp,
    /// The request's id, as in `X-Request-Id`.
    pub request_id: Option<Arc<str>>,
    /// Whether the handler asked what the route table left to it.
    pub asked: Asked,
    /// The parts of the path, by name, decoded.
    pub parts: PathParts,
    /// What was answered to the questions of a requirement.
    pub(crate) answers: Answers,
    /// Whether the route named a scope that the credential carries: then that scope vouches for
    /// the roles and permissions used behind the route.
    pub within_scope: bool,
}

impl Context {
    /// The place that the path names in its part `{part}`.
    #[must_use]
    pub fn place(&self, part: &str) -> Option<Place> {
        let (part, name) = self.parts.iter().find(|(known, _)| &**known == part)?;
        Some(Place::new(Arc::clone(part), Arc::clone(name)))
    }
}

/// Answers to questions, by the number of each. `None` where it could not be answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<[(usize, Option<bool>)]>);

impl Answers {
    pub(crate) fn new(answers: Vec<(usize, Option<bool>)>) -> Self {
        Self(answers.into())
    }

    /// What was answered; `None` where it was not asked or not answered.
    pub(crate) fn of(&self, number: usize) -> Option<bool> {
        self.0.iter().find(|(one, _)| *one == number)?.1
    }
}

/// A mark that a handler did ask: shared by every clone of the principal of one request.
#[derive(Clone, Debug, Default)]
pub struct Asked(Option<Arc<AtomicBool>>);

impl Asked {
    /// A mark not yet made.
    #[must_use]
    pub fn pending() -> Self {
        Self(Some(Arc::default()))
    }

    /// Notes that the handler asked.
    pub fn note(&self) {
        if let Some(mark) = &self.0 {
            mark.store(true, Ordering::Release);
        }
    }

    /// Whether it did.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        self.0.as_ref().is_none_or(|mark| mark.load(Ordering::Acquire))
    }
}

/// The name of a scheme, as in OpenAPI's `securitySchemes`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemeName(pub Arc<str>);

impl From<&str> for SchemeName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl Borrow<str> for SchemeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SchemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
