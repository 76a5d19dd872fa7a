//! A username and password in the `Authorization` header (RFC 7617).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use serde_json::json;

use super::authorization::{authorization, is_brought};
use super::{CredentialPlace, CredentialSource, Rejection, SecurityScheme, csrf};
use crate::crypto::Secret;
use crate::problem::Challenge;

/// Finds HTTP Basic credentials.
#[derive(Clone, Debug)]
pub struct Basic {
    realm: String,
}

/// HTTP Basic in this realm.
///
/// ```
/// use portcullis::credential::{CredentialSource, basic};
///
/// let line = basic("api").challenge().unwrap().to_header();
/// assert_eq!(line, r#"Basic realm="api", charset="UTF-8""#);
/// ```
#[must_use]
pub fn basic(realm: &str) -> Basic {
    Basic { realm: realm.to_owned() }
}

/// A username and a password, not verified.
#[derive(Clone)]
pub struct PasswordCredential {
    /// What stood before the first colon.
    pub username: String,
    /// What stood behind it; it may hold colons.
    pub password: Secret<String>,
}

impl fmt::Debug for PasswordCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCredential")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl CredentialSource for Basic {
    type Credential = PasswordCredential;

    /// What the browser remembers of a sign-in does not count on an unsafe request that another site
    /// made; see [`csrf::remembered`].
    fn find(&self, parts: &Parts) -> Result<Option<PasswordCredential>, Rejection> {
        let Some(encoded) = authorization(&parts.headers, "basic")? else { return Ok(None) };
        csrf::remembered(parts)?;
        read(encoded).map(Some)
    }

    fn is_brought(&self, parts: &Parts) -> bool {
        is_brought(&parts.headers, "basic")
    }

    fn describe(&self) -> SecurityScheme {
        SecurityScheme(json!({"type": "http", "scheme": "basic"}))
    }

    fn challenge(&self) -> Option<Challenge> {
        Some(Challenge::new("Basic").with("realm", &*self.realm).with("charset", "UTF-8"))
    }

    fn place(&self) -> Option<CredentialPlace> {
        Some(CredentialPlace::Authorization("basic"))
    }
}

/// RFC 7617 §2: UTF-8, the first colon separates, no control characters.
fn read(encoded: &str) -> Result<PasswordCredential, Rejection> {
    let bytes = STANDARD.decode(encoded).map_err(|_| Rejection::Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| Rejection::Malformed)?;
    let text = zeroize::Zeroizing::new(text);
    let (username, password) = text.split_once(':').ok_or(Rejection::Malformed)?;
    if text.chars().any(char::is_control) {
        return Err(Rejection::Malformed);
    }
    Ok(PasswordCredential { username: username.to_owned(), password: password.to_owned().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(headers: &[&str]) -> Result<Option<PasswordCredential>, Rejection> {
        let mut request = http::Request::builder();
        for header in headers {
            request = request.header("authorization", *header);
        }
        basic("r").find(&request.body(()).unwrap().into_parts().0)
    }

    fn encoded(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn only_the_first_colon_separates() {
        let found = find(&[&encoded("ada:analytical:engine:1843")]).unwrap().unwrap();
        assert_eq!(found.username, "ada");
        assert_eq!(found.password.expose(), "analytical:engine:1843");
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_text_is_utf8() {
        let text = encoded("ïvan:пароль").replace("Basic", "bAsIc");
        assert_eq!(find(&[&text]).unwrap().unwrap().username, "ïvan");
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        let not_utf8 = format!("Basic {}", STANDARD.encode(b"a\xff:b"));
        for text in [
            "Basic",
            "Basic ",
            "Basic %%%",
            "Basic YQ",
            &encoded("nocolon"),
            &encoded("a:b\n"),
            &not_utf8,
        ] {
            assert!(matches!(find(&[text]), Err(Rejection::Malformed)), "{text}");
        }
    }

    #[test]
    fn another_scheme_is_absence_and_two_headers_are_too_many() {
        assert!(find(&["Bearer x"]).unwrap().is_none());
        assert!(find(&["Basically x"]).unwrap().is_none());
        assert!(matches!(find(&[&encoded("a:b"), "Bearer x"]), Err(Rejection::Ambiguous)));
    }

    #[test]
    fn the_password_is_not_printed() {
        let found = find(&[&encoded("ann:hunter2hunter2")]).unwrap().unwrap();
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}
