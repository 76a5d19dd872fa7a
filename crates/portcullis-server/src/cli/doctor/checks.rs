//! What is looked at, one function each.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_SECURITY_POLICY, DATE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, StatusCode};
use portcullis::clock::Sources;
use portcullis::types::Timestamp;
use serde_json::Value;

use super::{Failure, Finding, Patient};

/// By how many seconds the clocks may differ.
const CLOCKS: i64 = 30;

/// An origin that nobody allows.
const STRANGER: &str = "https://portcullis-doctor.invalid";

/// Everything, in the order it is told.
///
/// # Errors
/// Where the server does not answer at all.
pub(super) async fn all(patient: &Patient) -> Result<Vec<Finding>, Failure> {
    let first = patient.ask(Method::GET, "/users/me", &[("origin", STRANGER)]).await?;
    let headers = first.headers().clone();
    let mut findings = vec![tls(patient), guarded(first.status(), &headers)];
    findings.extend(headers_of_security(patient, &headers));
    findings.push(clock(&headers));
    findings.push(cors(patient, &headers).await?);
    findings.extend(discovery(patient).await?);
    findings.extend(health(patient).await?);
    Ok(findings)
}

fn tls(patient: &Patient) -> Finding {
    if patient.secure {
        Finding::Good(
            "TLS: the certificate is one that this machine trusts for this name".to_owned(),
        )
    } else if patient.loopback {
        Finding::Good("TLS: none, and the address is on this machine".to_owned())
    } else {
        Finding::Wrong(
            "TLS: passwords and tokens cross the network in cleartext".to_owned(),
            "set `server.tls_cert_file` and `server.tls_key_file`, or put a proxy before it that ends TLS".to_owned(),
        )
    }
}

fn guarded(status: StatusCode, headers: &HeaderMap) -> Finding {
    if status == StatusCode::UNAUTHORIZED && headers.contains_key(http::header::WWW_AUTHENTICATE) {
        return Finding::Good(
            "guard: GET /users/me without a credential is a 401 with a challenge".to_owned(),
        );
    }
    Finding::Wrong(
        format!(
            "guard: GET /users/me without a credential is a {status}, not a 401 with a challenge"
        ),
        "is this a portcullis server, or does something before it answer?".to_owned(),
    )
}

fn headers_of_security(patient: &Patient, headers: &HeaderMap) -> Vec<Finding> {
    let mut wanted = vec![X_CONTENT_TYPE_OPTIONS, CONTENT_SECURITY_POLICY];
    if patient.secure {
        wanted.push(STRICT_TRANSPORT_SECURITY);
    }
    let found = |name: http::HeaderName| {
        if headers.contains_key(&name) {
            Finding::Good(format!("headers: {name} is sent"))
        } else if name == STRICT_TRANSPORT_SECURITY {
            Finding::Wrong(
                format!("headers: {name} is not sent"),
                "name the proxy that ends TLS in `server.trusted_proxies`, and have it send X-Forwarded-Proto".to_owned(),
            )
        } else {
            Finding::Wrong(
                format!("headers: {name} is not sent"),
                "have the proxy before it let the header through".to_owned(),
            )
        }
    };
    wanted.into_iter().map(found).collect()
}

fn clock(headers: &HeaderMap) -> Finding {
    let shown = headers.get(DATE).and_then(|date| date.to_str().ok());
    let there = shown.and_then(|date| {
        Timestamp::strptime("%a, %d %b %Y %H:%M:%S GMT%z", format!("{date}+0000")).ok()
    });
    let Some(there) = there else {
        return Finding::Wrong(
            "clock: the answer has no date".to_owned(),
            "have the proxy before it let `Date` through".to_owned(),
        );
    };
    let apart = there.as_second() - Sources::system().now().as_second();
    if apart.abs() <= CLOCKS {
        Finding::Good("clock: the server's is within half a minute of this machine's".to_owned())
    } else {
        Finding::Wrong(
            format!("clock: the server's is {apart} s from this machine's"),
            "have both follow a time server".to_owned(),
        )
    }
}

async fn cors(patient: &Patient, first: &HeaderMap) -> Result<Finding, Failure> {
    let asked = [
        ("origin", STRANGER),
        ("access-control-request-method", "DELETE"),
        ("access-control-request-headers", "authorization"),
    ];
    let preflight = patient.ask(Method::OPTIONS, "/users/me", &asked).await?;
    let lets_in = |headers: &HeaderMap| {
        let origin = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).and_then(|value| value.to_str().ok());
        let with_cookies = headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        (origin == Some(STRANGER) || origin == Some("*"), with_cookies)
    };
    Ok(match (lets_in(first), lets_in(preflight.headers())) {
        ((_, true), _) | (_, (_, true)) => Finding::Wrong(
            "CORS: a page of any origin may use the session cookie".to_owned(),
            "name the origins in `cors.origins`, and let no proxy add headers of CORS".to_owned(),
        ),
        ((true, _), _) | (_, (true, _)) => {
            Finding::Good("CORS: pages of any origin may read answers, without cookies".to_owned())
        }
        _ => Finding::Good("CORS: a page of an unknown origin may not read answers".to_owned()),
    })
}

async fn discovery(patient: &Patient) -> Result<Vec<Finding>, Failure> {
    let path = "/.well-known/oauth-authorization-server";
    let document = json(patient, path).await?;
    let issuer = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    let mut findings = vec![if issuer == patient.base {
        Finding::Good(format!("discovery: the issuer is {issuer}"))
    } else {
        Finding::Wrong(
            format!("discovery: the issuer is {issuer:?}, and clients come to {}", patient.base),
            "set `server.public_url` to the address that clients use".to_owned(),
        )
    }];
    let keys = json(patient, "/.well-known/jwks.json").await?;
    let keys = keys.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    let private =
        keys.iter().any(|key| ["d", "k", "p", "q"].iter().any(|part| key.get(part).is_some()));
    findings.push(if private {
        Finding::Wrong(
            "keys: a private key is published".to_owned(),
            "this is no portcullis server, or something before it answers: void the key at once"
                .to_owned(),
        )
    } else {
        Finding::Good(format!("keys: {} public keys are published", keys.len()))
    });
    Ok(findings)
}

/// The JSON of an answer; null where it is none.
async fn json(patient: &Patient, path: &str) -> Result<Value, Failure> {
    let answer = patient.ask(Method::GET, path, &[]).await?;
    Ok(answer.json().await.unwrap_or(Value::Null))
}

async fn health(patient: &Patient) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for path in ["/health/ready", "/metrics"] {
        let plain = patient.ask(Method::GET, path, &[]).await?.status();
        // What a client writes itself must not make it somebody on the server's machine.
        let forged = [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")];
        let forged = patient.ask(Method::GET, path, &forged).await?.status();
        let open = forged.is_success() || (plain.is_success() && !patient.loopback);
        findings.push(if open {
            Finding::Wrong(
                format!("exposure: {path} answers the world"),
                "set `server.health_listen`, or have the proxy refuse this path".to_owned(),
            )
        } else {
            Finding::Good(format!("exposure: {path} does not answer the world"))
        });
    }
    Ok(findings)
}
