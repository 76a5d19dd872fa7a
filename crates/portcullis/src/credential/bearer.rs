//! A token in the `Authorization` header (RFC 6750 §2.1). Never in a query or a body.

use std::fmt;

use http::request::Parts;
use serde_json::json;

use super::authorization::{authorization, is_brought};
use super::{CredentialPlace, CredentialSource, Rejection, SecurityScheme};
use crate::crypto::Secret;
use crate::problem::Challenge;

/// Finds bearer tokens.
#[derive(Clone, Debug)]
pub struct Bearer {
    realm: String,
    resource_metadata: Option<String>,
    scheme: SecurityScheme,
}

/// Bearer tokens.
#[must_use]
pub fn bearer() -> Bearer {
    Bearer {
        realm: "portcullis".to_owned(),
        resource_metadata: None,
        scheme: SecurityScheme(json!({"type": "http", "scheme": "bearer"})),
    }
}

/// Bearer tokens, described in OpenAPI as got with a username and password from `token_url`.
///
/// ```
/// use portcullis::credential::{CredentialSource, oauth2_password};
///
/// let scheme = oauth2_password("/token", [("items:read", "Read items.")]).describe();
/// assert_eq!(scheme.0["flows"]["password"]["tokenUrl"], "/token");
/// ```
#[must_use]
pub fn oauth2_password<'a>(
    token_url: &str,
    scopes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Bearer {
    let scopes: serde_json::Map<_, _> =
        scopes.into_iter().map(|(name, sentence)| (name.to_owned(), sentence.into())).collect();
    Bearer {
        scheme: SecurityScheme(json!({
            "type": "oauth2",
            "flows": {"password": {"tokenUrl": token_url, "scopes": scopes}},
        })),
        ..bearer()
    }
}

impl Bearer {
    /// Names another realm in the challenge.
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        realm.clone_into(&mut self.realm);
        self
    }

    /// Says in the challenge where this API's metadata is, so that a client finds out by itself
    /// whose tokens are taken here (RFC 9728 §5.1).
    ///
    /// ```
    /// use portcullis::credential::{CredentialSource, bearer};
    ///
    /// let metadata = "https://api.example/.well-known/oauth-protected-resource";
    /// let challenge = bearer().resource_metadata(metadata).challenge().unwrap();
    /// assert!(challenge.to_header().to_str().unwrap().ends_with(&format!("=\"{metadata}\"")));
    /// ```
    #[must_use]
    pub fn resource_metadata(mut self, url: &str) -> Self {
        self.resource_metadata = Some(url.to_owned());
        self
    }
}

/// A token, not verified.
#[derive(Clone)]
pub struct TokenCredential(pub Secret<String>);

impl fmt::Debug for TokenCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCredential(…)")
    }
}

impl CredentialSource for Bearer {
    type Credential = TokenCredential;

    fn find(&self, parts: &Parts) -> Result<Option<TokenCredential>, Rejection> {
        match authorization(&parts.headers, "bearer")? {
            None => Ok(None),
            Some(token) if is_token(token) => Ok(Some(TokenCredential(token.to_owned().into()))),
            Some(_) => Err(Rejection::Malformed),
        }
    }

    fn is_brought(&self, parts: &Parts) -> bool {
        is_brought(&parts.headers, "bearer")
    }

    fn describe(&self) -> SecurityScheme {
        self.scheme.clone()
    }

    fn challenge(&self) -> Option<Challenge> {
        let line = Challenge::new("Bearer").with("realm", &*self.realm);
        Some(match &self.resource_metadata {
            Some(url) => line.with("resource_metadata", &**url),
            None => line,
        })
    }

    fn place(&self) -> Option<CredentialPlace> {
        Some(CredentialPlace::Authorization("bearer"))
    }
}

/// The `b64token` of RFC 6750 §2.1.
fn is_token(text: &str) -> bool {
    let stem = text.trim_end_matches('=');
    !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &str) -> Result<Option<TokenCredential>, Rejection> {
        let request = http::Request::builder().header("authorization", header).body(()).unwrap();
        bearer().find(&request.into_parts().0)
    }

    #[test]
    fn a_token_is_found_in_any_case_of_the_scheme() {
        assert!(find("bearer abc.def_-~+/==").unwrap().is_some());
        assert!(find("Basic abc").unwrap().is_none());
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        for header in ["Bearer", "Bearer ", "Bearer a b", "Bearer =", "Bearer a,b"] {
            assert!(matches!(find(header), Err(Rejection::Malformed)), "{header}");
        }
    }

    #[test]
    fn the_token_is_not_printed() {
        assert!(!format!("{:?}", find("Bearer hunter2").unwrap()).contains("hunter2"));
    }
}
