//! Somebody who asks, what they ask, and what they are answered.

use std::collections::BTreeSet;
use std::fmt;
use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tower::ServiceExt;

use super::{TestApp, must};
use crate::auth::{AccessFormat, Actor, Caller, GrantRequest, NewAccount, SignedIn};
use crate::crypto::Secret;
use crate::edge::OverTls;
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

#[derive(Clone)]
struct Account {
    username: String,
    password: String,
    roles: BTreeSet<Role>,
    grants: Vec<GrantRequest>,
    scopes: Option<BTreeSet<Scope>>,
    carried: Carried,
}

/// Somebody who asks: nobody, or a user with an account. Cheap to clone; its clones show the same
/// credential.
///
/// The account and the credential are made when the first request needs them, and kept: asking
/// twice is asking twice with the same token.
#[derive(Clone)]
#[must_use]
pub struct TestClient {
    app: TestApp,
    account: Option<Account>,
    headers: HeaderMap,
    peer: SocketAddr,
    tls: bool,
    credential: Arc<OnceCell<(HeaderName, HeaderValue)>>,
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.account.as_ref().map(|account| &account.username);
        f.debug_struct("TestClient").field("username", &name).finish_non_exhaustive()
    }
}

impl TestClient {
    pub(super) fn new(app: TestApp, username: Option<&str>) -> Self {
        let account = username.map(|username| Account {
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            roles: BTreeSet::new(),
            grants: Vec::new(),
            scopes: None,
            carried: Carried::Token(None),
        });
        Self {
            app,
            account,
            headers: HeaderMap::new(),
            peer: (Ipv4Addr::LOCALHOST, 49152).into(),
            tls: false,
            credential: Arc::default(),
        }
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

    /// Sends this header with every request.
    ///
    /// # Panics
    /// Where the name or the value cannot be one.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = header(name, value);
        self.headers.append(name, value);
        self
    }

    /// Connects from this address. From `127.0.0.1` where this is left out.
    ///
    /// # Panics
    /// Where it is no address.
    #[track_caller]
    pub fn from(mut self, address: &str) -> Self {
        self.peer.set_ip(must("an address", address.parse::<IpAddr>()));
        self
    }

    /// Connects over TLS.
    pub fn over_tls(mut self) -> Self {
        self.tls = true;
        self
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

#[track_caller]
fn header(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    let name = must("a header's name", name.parse());
    (name, must("a header's value", HeaderValue::from_bytes(value.as_bytes())))
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident $method:ident;)+) => {
        $($(#[$doc])*
        pub fn $verb(&self, path: impl Into<String>) -> TestRequest {
            self.request(Method::$method, path)
        })+
    };
}

impl TestClient {
    verbs! {
        /// Asks by GET; await it.
        get GET;
        /// Asks by POST.
        post POST;
        /// Asks by PUT.
        put PUT;
        /// Asks by PATCH.
        patch PATCH;
        /// Asks by DELETE.
        delete DELETE;
        /// Asks by OPTIONS.
        options OPTIONS;
    }

    /// Asks by any method.
    pub fn request(&self, method: Method, path: impl Into<String>) -> TestRequest {
        let headers = HeaderMap::new();
        TestRequest { client: self.clone(), method, path: path.into(), headers, body: Bytes::new() }
    }
}

/// A request in the making. Await it.
#[derive(Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct TestRequest {
    client: TestClient,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl TestRequest {
    /// Sends this header.
    ///
    /// # Panics
    /// Where the name or the value cannot be one.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = header(name, value);
        self.headers.append(name, value);
        self
    }

    /// Sends JSON.
    ///
    /// # Panics
    /// Where it cannot be written as JSON.
    #[track_caller]
    pub fn json(self, body: impl Serialize) -> Self {
        self.body("application/json", must("a body", serde_json::to_vec(&body)))
    }

    /// Sends a form: pairs, a map or a struct.
    ///
    /// # Panics
    /// Where it cannot be written as a form.
    #[track_caller]
    pub fn form(self, body: impl Serialize) -> Self {
        let text = must("a form", serde_urlencoded::to_string(&body));
        self.body("application/x-www-form-urlencoded", text)
    }

    /// Sends these bytes.
    ///
    /// # Panics
    /// Where the media type cannot be one.
    #[track_caller]
    pub fn body(mut self, media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let (name, value) = header(CONTENT_TYPE.as_str(), media_type);
        self.headers.insert(name, value);
        self.body = bytes.into();
        self
    }

    /// Connects from this address.
    ///
    /// # Panics
    /// Where it is no address.
    #[track_caller]
    pub fn from(mut self, address: &str) -> Self {
        self.client = self.client.from(address);
        self
    }

    async fn send(self) -> Answer {
        let Self { client, method, path, headers, body } = self;
        let mut request = Request::new(Body::from(body));
        *request.uri_mut() = must("a path", path.parse());
        *request.method_mut() = method.clone();
        let all = request.headers_mut();
        all.insert(http::header::HOST, HeaderValue::from_static("127.0.0.1:8000"));
        for (name, value) in client.headers.iter().chain(&headers) {
            all.append(name, value.clone());
        }
        if client.account.is_some() && !all.contains_key(AUTHORIZATION) {
            let (name, value) = client.credential().await;
            if name == COOKIE && !all.contains_key("sec-fetch-site") {
                all.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
            }
            all.append(name, value);
        }
        request.extensions_mut().insert(ConnectInfo(client.peer));
        if client.tls {
            request.extensions_mut().insert(OverTls);
        }
        let response = match client.app.router().oneshot(request).await {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        };
        let (parts, body) = response.into_parts();
        let body = must("the body of the answer", body.collect().await).to_bytes();
        let asked = format!("{method} {path}");
        Answer { status: parts.status, headers: parts.headers, body, asked }
    }
}

impl IntoFuture for TestRequest {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// What was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    asked: String,
}

impl Answer {
    /// Goes on only where this is the status.
    ///
    /// # Panics
    /// Where it is another; says the body.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often the last word of a test")]
    pub fn expect(self, status: u16) -> Self {
        let (asked, text) = (&self.asked, self.text());
        assert_eq!(self.status.as_u16(), status, "{asked} answered: {text}");
        self
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON.
    ///
    /// # Panics
    /// Where it is not such JSON.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        must(
            &format!("{} answered: {}", self.asked, self.text()),
            serde_json::from_slice(&self.body),
        )
    }

    /// A header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `WWW-Authenticate` lines.
    #[must_use]
    pub fn challenges(&self) -> Vec<&str> {
        let lines = self.headers.get_all(WWW_AUTHENTICATE).into_iter();
        lines.filter_map(|line| line.to_str().ok()).collect()
    }
}
