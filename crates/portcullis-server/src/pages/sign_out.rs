//! `/logout`: the end of a sign-in, at the wish of its person or of a client.

use garde::Validate;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use minijinja::context;
use portcullis::auth::{Auth, LogoutOutcome, LogoutRequest};
use portcullis::problem::Problem;
use portcullis::types::Principal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::render::{Page, PageAnswer, message, see_other};
use super::sign_in::{Browser, trouble};

/// What stands for a ticket where a form word is of a sign-out.
const SIGN_OUT: &str = "logout";

/// The wish to sign out (OpenID Connect RP-Initiated Logout 1.0).
#[derive(Default, Serialize, Deserialize, JsonSchema, Validate)]
pub(super) struct Logout {
    /// An ID token that the client got.
    #[garde(length(chars, max = 8192))]
    #[serde(default)]
    id_token_hint: Option<String>,
    /// Where the person goes then.
    #[garde(length(chars, max = 500))]
    #[serde(default)]
    post_logout_redirect_uri: Option<String>,
    /// Goes there with them.
    #[garde(length(chars, max = 2048))]
    #[serde(default)]
    state: Option<String>,
    /// Which client asks.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    client_id: Option<String>,
    /// Shows that the form is ours.
    #[garde(length(chars, max = 100))]
    #[serde(default)]
    word: Option<String>,
}

pub(super) async fn sign_out(
    auth: &Auth,
    browser: &Browser,
    who: Option<Principal>,
    headers: &HeaderMap,
    asked: Logout,
    confirmed: bool,
) -> Result<PageAnswer, Problem> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let request = LogoutRequest {
        id_token_hint: filled(&asked.id_token_hint),
        post_logout_redirect_uri: filled(&asked.post_logout_redirect_uri),
        state: filled(&asked.state),
        client_id: filled(&asked.client_id),
    };
    match auth.end_sign_in(who.as_ref(), &request, confirmed).await {
        Ok(LogoutOutcome::Ask) => {
            let (name, session) = match who.as_ref().and_then(|who| Some((who, who.session?))) {
                Some((who, session)) => (who.name.to_string(), session),
                None => return see_other("/login", None),
            };
            let fields = Logout { word: None, ..asked };
            let word = auth.form_word(session, SIGN_OUT)?;
            let values = context! { username => name, word, fields };
            let to = request.post_logout_redirect_uri.as_deref();
            Page::new("logout", values).leading_to(to).answer(headers)
        }
        Ok(LogoutOutcome::Out(to)) => {
            let line = browser.cookie.clear().map_err(Problem::internal)?;
            if let Some(to) = to {
                return see_other(&to, Some(line));
            }
            let mut page = message(headers, StatusCode::OK, |t| (t.signed_out, t.signed_out_text))?;
            page.0.headers_mut().insert(http::header::SET_COOKIE, line);
            Ok(page)
        }
        Err(problem) => trouble(problem, headers),
    }
}

pub(super) async fn confirm_sign_out(
    auth: &Auth,
    browser: &Browser,
    who: Option<Principal>,
    head: &Parts,
    form: Logout,
) -> Result<PageAnswer, Problem> {
    let word = form.word.clone().unwrap_or_default();
    let ours = match who.as_ref().and_then(|who| who.session) {
        Some(session) => auth.is_form_word(session, SIGN_OUT, &word)?,
        None => true,
    };
    if !ours || browser.forms.check(head).is_err() {
        return message(&head.headers, StatusCode::FORBIDDEN, |t| (t.cannot_go_on, t.other_site));
    }
    sign_out(auth, browser, who, &head.headers, form, true).await
}
