//! An API key in a header of its own.

use http::request::Parts;
use serde_json::json;

use super::{CredentialPlace, CredentialSource, Rejection, SecurityScheme, TokenCredential};
use crate::problem::Challenge;

/// Finds API keys in a header.
#[derive(Clone, Debug)]
pub struct ApiKeyHeader {
    name: Box<str>,
}

/// API keys in the header of this name. Never in a query, where logs would keep them.
///
/// A name that cannot be a header's is never found.
///
/// ```
/// use portcullis::credential::{CredentialSource, api_key_header};
///
/// assert_eq!(api_key_header("X-API-Key").describe().0["in"], "header");
/// ```
#[must_use]
pub fn api_key_header(name: &str) -> ApiKeyHeader {
    ApiKeyHeader { name: name.into() }
}

impl CredentialSource for ApiKeyHeader {
    type Credential = TokenCredential;

    fn find(&self, parts: &Parts) -> Result<Option<TokenCredential>, Rejection> {
        let mut values = parts.headers.get_all(&*self.name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Rejection::Ambiguous);
        }
        match value.to_str() {
            Ok(key) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Some(TokenCredential(key.to_owned().into())))
            }
            _ => Err(Rejection::Malformed),
        }
    }

    fn is_brought(&self, parts: &Parts) -> bool {
        parts.headers.contains_key(&*self.name)
    }

    fn describe(&self) -> SecurityScheme {
        SecurityScheme(json!({"type": "apiKey", "in": "header", "name": self.name}))
    }

    /// None: no authentication scheme is registered for a header of one's own.
    fn challenge(&self) -> Option<Challenge> {
        None
    }

    fn place(&self) -> Option<CredentialPlace> {
        Some(CredentialPlace::Header(self.name.to_ascii_lowercase().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[&[u8]]) -> Result<Option<String>, Rejection> {
        let mut request = http::Request::new(());
        for value in values {
            request.headers_mut().append("x-api-key", value.to_vec().try_into().unwrap());
        }
        let found = api_key_header("X-API-Key").find(&request.into_parts().0)?;
        Ok(found.map(|key| key.0.expose().to_owned()))
    }

    #[test]
    fn one_key_is_found_and_anything_else_refused() {
        assert_eq!(find(&[]).unwrap(), None);
        assert_eq!(find(&[b"pc_key_x"]).unwrap().as_deref(), Some("pc_key_x"));
        assert!(matches!(find(&[b"a", b"a"]), Err(Rejection::Ambiguous)));
        for wrong in [&b""[..], b"a b", b"\xff", "ключ".as_bytes()] {
            assert!(matches!(find(&[wrong]), Err(Rejection::Malformed)), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_that_is_no_header_is_never_found() {
        let parts = http::Request::new(()).into_parts().0;
        for name in ["", "x y", "é"] {
            assert!(matches!(api_key_header(name).find(&parts), Ok(None)));
        }
    }
}
