//! `GET /forward-auth`: a proxy asks whether a request may go on to an application that has no accounts of its own.
//!
//! The proxy says the original method, host and address by `X-Forwarded-Method`, `X-Forwarded-Host` and
//! `X-Forwarded-Uri`. They count from declared proxies alone; a method that nobody says could change something.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, HOST, HeaderName, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use portcullis::auth::Auth;
use portcullis::credential::csrf::Csrf;
use portcullis::edge::ClientInfo;
use portcullis::extract::{Query, Undescribed};
use portcullis::gate::Gate;
use portcullis::openapi::{DescribeAnswer, OperationBuilder};
use portcullis::policy::{Requirement, authenticated, permission, public, role, scope};
use portcullis::problem::{Challenge, Problem, ProblemKind};
use portcullis::router::Routes;
use portcullis::types::{Permission, Principal, Subject};
use schemars::JsonSchema;
use serde::Deserialize;
use url::form_urlencoded;

use crate::pages::sign_in::is_local;

/// The pages of this server: whoever is sent there from there would go in a circle.
const OURS: [&str; 6] =
    ["/login", "/logout", "/consent", "/authorize", "/forward-auth", "/pages.css"];

const SEC_FETCH_MODE: &str = "sec-fetch-mode";

/// The route. `public_host` is where people meet this server: only there its cookie counts.
pub(super) fn table(gate: &Gate, public_host: Option<String>) -> Routes<Auth> {
    gate.routes()
        .tag("auth")
        // A proxy hands on one challenge line, and a browser must not be asked for a password in a box.
        .accepts(&["bearer", "cookie", "api_key"])
        .get(
            "/forward-auth",
            public("a proxy that asks for somebody"),
            async move |State(_): State<Auth>,
                        who: Option<Principal>,
                        Undescribed(head): Undescribed<Parts>,
                        Query(asked): Query<Asked>| {
                answer(who, &head, &asked, public_host.as_deref())
            },
        )
}

/// What the original request needs: all of it.
#[derive(Debug, Default, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A permission that they must hold. May be given more than once.
    #[garde(length(max = 20), inner(length(chars, max = 100)))]
    #[serde(default)]
    permission: Vec<String>,
    /// A scope that the credential must carry. May be given more than once.
    #[garde(length(max = 20), inner(length(chars, max = 100)))]
    #[serde(default)]
    scope: Vec<String>,
    /// A role that they must have. May be given more than once.
    #[garde(length(max = 20), inner(length(chars, max = 100)))]
    #[serde(default)]
    role: Vec<String>,
}

impl Asked {
    fn requirement(&self) -> Requirement {
        let all = authenticated();
        let all = self.permission.iter().fold(all, |all, name| all & permission(name.as_str()));
        let all = self.scope.iter().fold(all, |all, name| all & scope(name.as_str()));
        self.role.iter().fold(all, |all, name| all & role(name.as_str()))
    }
}

/// A yes with its headers, or where to sign in.
struct ForwardAnswer(Response);

impl IntoResponse for ForwardAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for ForwardAnswer {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(StatusCode::OK);
        operation.redirect();
    }
}

/// The request that the proxy holds back.
struct Original {
    method: Option<Method>,
    host: Option<String>,
    uri: Option<String>,
}

impl Original {
    fn of(head: &Parts) -> Self {
        let client = head.extensions.get::<ClientInfo>();
        let through = client.is_some_and(|client| client.through_proxy);
        let said = |name: &str| {
            let mut values = head.headers.get_all(name).iter().filter(|_| through);
            let (value, None) = (values.next()?, values.next()) else { return None };
            value.to_str().ok()
        };
        Self {
            method: said("x-forwarded-method").and_then(|method| method.parse().ok()),
            host: client.and_then(|client| client.host.as_deref()).map(str::to_owned),
            uri: said("x-forwarded-uri").map(str::to_owned),
        }
    }

    /// Whether another site made it, by its own method.
    fn is_cross_site(&self, head: &Parts) -> bool {
        let mut original = head.clone();
        original.method = self.method.clone().unwrap_or(Method::POST);
        original.headers.remove(HOST);
        if let Some(host) = self.host.as_deref().and_then(|host| host.parse().ok()) {
            original.headers.insert(HOST, host);
        }
        Csrf::new().check(&original).is_err()
    }

    /// Where a browser signs in and comes back from: a person who goes to a page of this very site.
    fn sign_in(&self, headers: &HeaderMap, public_host: Option<&str>) -> Option<String> {
        let goes = matches!(self.method, Some(Method::GET | Method::HEAD));
        let mode = headers.get(SEC_FETCH_MODE);
        let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let person = mode.is_none_or(|mode| mode == "navigate")
            && accepts.is_some_and(|accept| accept.contains("text/html"))
            && !headers.contains_key(AUTHORIZATION);
        let uri = self.uri.as_deref().filter(|uri| is_local(uri))?;
        let path = uri.split('?').next().unwrap_or_default();
        // The cookie is of this host alone: elsewhere one would be sent here again and again.
        let here = public_host.is_some_and(|host| self.host.as_deref() == Some(host));
        (goes && person && here && !OURS.contains(&path)).then(|| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            format!("/login?{}", query.append_pair("return_to", uri).finish())
        })
    }
}

fn answer(
    who: Option<Principal>,
    head: &Parts,
    asked: &Asked,
    public_host: Option<&str>,
) -> Result<ForwardAnswer, Problem> {
    let original = Original::of(head);
    let Some(who) = who else {
        if let Some(to) = original.sign_in(&head.headers, public_host) {
            let mut response = StatusCode::FOUND.into_response();
            let to = HeaderValue::try_from(to).map_err(Problem::internal)?;
            response.headers_mut().insert(LOCATION, to);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            return Ok(ForwardAnswer(response));
        }
        return Err(Problem::new(ProblemKind::Unauthenticated).challenge(bearer()));
    };
    let by_cookie = who.token.is_none() && who.session.is_some();
    if by_cookie && original.is_cross_site(head) {
        return Err(ProblemKind::CrossSite.into());
    }
    if who.must(asked.requirement()).is_err() {
        let line = bearer().with("error", "insufficient_scope");
        let line =
            if asked.scope.is_empty() { line } else { line.with("scope", asked.scope.join(" ")) };
        return Err(Problem::new(ProblemKind::Forbidden).challenge(line));
    }
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    for (name, value) in told(&who) {
        let value = HeaderValue::try_from(value).map_err(Problem::internal)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(ForwardAnswer(response))
}

fn bearer() -> Challenge {
    Challenge::new("Bearer").with("realm", "portcullis")
}

/// Who it is and what they may do by this credential at this moment.
fn told(who: &Principal) -> [(&'static str, String); 4] {
    let subject = match &who.subject {
        Subject::User(id) => id.to_string(),
        Subject::Client(id) => id.to_string(),
        other => other.to_string(),
    };
    // A role passes no credential that is limited to scopes.
    let roles = who.access.roles.iter().filter(|_| who.limit().is_none());
    let roles: Vec<&str> = roles.map(portcullis::types::Role::as_str).collect();
    let may = who.access.allowed.iter().filter(|permission| who.may(permission));
    let permissions: Vec<&str> = may.map(Permission::as_str).collect();
    [
        ("x-auth-user", encoded(&who.name)),
        ("x-auth-subject", encoded(&subject)),
        ("x-auth-roles", roles.join(",")),
        ("x-auth-permissions", permissions.join(",")),
    ]
}

/// As it stands in a header: what is not visible ASCII, and `%`, is percent-encoded.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_name_cannot_break_a_header() {
        assert_eq!(encoded("ada"), "ada");
        assert_eq!(encoded("ïvan"), "%C3%AFvan");
        assert_eq!(encoded("a\r\nb%"), "a%0D%0Ab%25");
    }
}
