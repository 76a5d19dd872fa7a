//! A form as OAuth's endpoints take it: in the body alone, and refused in OAuth's own words.

use axum::extract::{FromRequest, Request};
use http::request::Parts;

use crate::credential::{CredentialSource, PasswordCredential, Rejection, basic};
use crate::extract::Form;
use crate::openapi::{Describe, Input, OperationBuilder};
use crate::problem::{OAuthError, OAuthErrorCode};

/// What must never stand in a URL, where logs and `Referer` would spread it (RFC 9700 §4.2).
const SECRET: [&str; 8] = [
    "password",
    "client_secret",
    "refresh_token",
    "access_token",
    "token",
    "code",
    "assertion",
    "client_assertion",
];

/// A form of an OAuth endpoint, and the client's credentials in `Authorization`, if any.
#[derive(Debug)]
pub(in crate::auth) struct OAuthForm<T> {
    pub(in crate::auth) form: T,
    pub(in crate::auth) client: Option<PasswordCredential>,
}

impl<T: Input, S: Send + Sync> FromRequest<S> for OAuthForm<T> {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        let (parts, body) = request.into_parts();
        no_secret_in_query(&parts)?;
        let client = match basic("portcullis").find(&parts) {
            // Some clients send the header with nothing in it: nobody.
            Ok(found) => found.filter(|client| !client.username.is_empty()),
            Err(Rejection::Ambiguous) => {
                return Err(invalid_request("There is more than one Authorization header."));
            }
            Err(_) => return Err(invalid_request("The Authorization header cannot be read.")),
        };
        let request = Request::from_parts(parts, body);
        let Form(form) = Form::from_request(request, state).await?;
        Ok(Self { form, client })
    }
}

impl<T: Input> Describe for OAuthForm<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.body::<T>("application/x-www-form-urlencoded");
    }
}

fn no_secret_in_query(parts: &Parts) -> Result<(), OAuthError> {
    let query = parts.uri.query().unwrap_or_default();
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    match names.find(|name| SECRET.contains(name)) {
        None => Ok(()),
        Some(_) => Err(invalid_request("Parameters belong in the body, never in the URL.")),
    }
}

pub(in crate::auth) fn invalid_request(description: &'static str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidRequest, description)
}
