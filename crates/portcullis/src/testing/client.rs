//! Somebody who asks, what they ask, and what they are answered.

use std::fmt;
use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
#[cfg(feature = "auth")]
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
#[cfg(feature = "auth")]
use http::header::{AUTHORIZATION, COOKIE};
use http::header::{CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "auth")]
use tokio::sync::OnceCell;
use tower::ServiceExt;

#[cfg(feature = "auth")]
use super::account::Account;
use super::{TestApp, must};
use crate::edge::OverTls;

/// Somebody who asks: nobody, or a user with an account. Cheap to clone; its clones show the same
/// credential.
///
/// The account and the credential are made when the first request needs them, and kept: asking
/// twice is asking twice with the same token.
#[derive(Clone)]
#[must_use]
pub struct TestClient {
    pub(super) app: TestApp,
    #[cfg(feature = "auth")]
    pub(super) account: Option<Account>,
    headers: HeaderMap,
    peer: SocketAddr,
    tls: bool,
    #[cfg(feature = "auth")]
    pub(super) credential: Arc<OnceCell<(HeaderName, HeaderValue)>>,
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TestClient");
        #[cfg(feature = "auth")]
        shown.field("username", &self.username());
        shown.finish_non_exhaustive()
    }
}

impl TestClient {
    pub(super) fn new(app: TestApp) -> Self {
        Self {
            app,
            #[cfg(feature = "auth")]
            account: None,
            headers: HeaderMap::new(),
            peer: (Ipv4Addr::LOCALHOST, 49152).into(),
            tls: false,
            #[cfg(feature = "auth")]
            credential: Arc::default(),
        }
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
}

#[track_caller]
pub(super) fn header(name: &str, value: &str) -> (HeaderName, HeaderValue) {
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
        #[cfg(feature = "auth")]
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
