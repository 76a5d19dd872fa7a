//! `/auth/jwt`, `/auth/opaque` and `/auth/cookie`: signing in and out.

use axum::extract::State;
use garde::Validate;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{OAuthForm, TokenAnswer, TokenRequest, password_grant};
use crate::auth::routes::{CallerInfo, RequestHead};
use crate::auth::{AccessFormat, Auth, LoginRefused};
use crate::credential::SessionCookie;
use crate::crypto::Secret;
use crate::extract::{Form, Json, NoContent, NoStore};
use crate::gate::Gate;
use crate::policy::{Requirement, authenticated, public};
use crate::problem::{Challenge, OAuthError, Problem, ProblemKind};
use crate::router::Routes;
use crate::types::Principal;

/// The routes for signing in and out. `bearer` and `cookie` are the names of the gate's schemes.
pub fn table(gate: &Gate, cookie: &SessionCookie) -> Routes<Auth> {
    let login = || public("whoever knows a password");
    let (set, clear) = (cookie.clone(), cookie.clone());
    gate.routes()
        .tag("auth")
        .post("/auth/jwt/login", login(), login_for_jwt)
        .accepts(&["bearer"])
        .post("/auth/jwt/logout", authenticated(), logout_of_jwt)
        .post("/auth/opaque/login", login(), login_for_opaque_token)
        .accepts(&["bearer"])
        .post("/auth/opaque/logout", authenticated(), logout_of_opaque_token)
        .merge(cookie_table(gate, login(), set, clear))
}

/// A username and a password.
#[derive(Deserialize, JsonSchema, Validate)]
struct CookieLogin {
    /// A username or e-mail address.
    #[garde(length(chars, min = 1, max = 254))]
    username: String,
    /// The password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[schemars(extend("format" = "password"))]
    password: String,
}

fn cookie_table(
    gate: &Gate,
    login: Requirement,
    set: SessionCookie,
    clear: SessionCookie,
) -> Routes<Auth> {
    let login_for_cookie = async move |State(auth): State<Auth>,
                                       CallerInfo(caller): CallerInfo,
                                       site: RequestHead,
                                       Form(form): Form<CookieLogin>| {
        sign_in(&auth, caller, &site.0, form, &set).await
    };
    let logout_of_cookie = async move |State(auth): State<Auth>, who: Principal| {
        end(&auth, &who).await?;
        let line = clear.clear().map_err(Problem::internal)?;
        Ok::<_, Problem>((with_cookie(line), NoContent))
    };
    gate.routes()
        .tag("auth")
        .post("/auth/cookie/login", login, login_for_cookie)
        .accepts(&["cookie"])
        .post("/auth/cookie/logout", authenticated(), logout_of_cookie)
}

async fn login_for_jwt(
    State(auth): State<Auth>,
    CallerInfo(caller): CallerInfo,
    request: OAuthForm<TokenRequest>,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    password_grant(&auth, caller, request.form, Some(AccessFormat::Jwt)).await
}

async fn login_for_opaque_token(
    State(auth): State<Auth>,
    CallerInfo(caller): CallerInfo,
    request: OAuthForm<TokenRequest>,
) -> Result<NoStore<Json<TokenAnswer>>, OAuthError> {
    password_grant(&auth, caller, request.form, Some(AccessFormat::Opaque)).await
}

async fn logout_of_jwt(State(auth): State<Auth>, who: Principal) -> Result<NoContent, Problem> {
    end(&auth, &who).await
}

async fn logout_of_opaque_token(
    State(auth): State<Auth>,
    who: Principal,
) -> Result<NoContent, Problem> {
    end(&auth, &who).await
}

/// Ends the session the credential belongs to, and with it every token of that session.
async fn end(auth: &Auth, who: &Principal) -> Result<NoContent, Problem> {
    auth.end_own_session(who).await?;
    Ok(NoContent)
}

async fn sign_in(
    auth: &Auth,
    caller: crate::auth::Caller,
    parts: &Parts,
    form: CookieLogin,
    cookie: &SessionCookie,
) -> Result<(HeaderMap, NoContent), Problem> {
    // Signing somebody in under a stranger's name is an attack too.
    cookie
        .csrf_rules()
        .check(parts)
        .map_err(|fault| Problem::new(ProblemKind::CrossSite).source(fault))?;
    let password = Secret::new(form.password);
    let signed = auth.sign_in(&caller.actor(), &form.username, password).await;
    let signed = signed.map_err(|refused| match refused {
        LoginRefused::Wrong => {
            // Not Basic: a browser would ask the user in a window of its own.
            Problem::new(ProblemKind::InvalidCredential)
                .detail("Incorrect username or password")
                .challenge(Challenge::new("Bearer").with("realm", "portcullis"))
        }
        LoginRefused::Other(problem) => problem,
    })?;
    let (session, value) = auth.begin_cookie(&signed, caller).await?;
    let age = session.expires_at.duration_since(session.created_at).as_secs().unsigned_abs();
    let line = cookie.set(value.expose(), Some(age)).map_err(Problem::internal)?;
    Ok((with_cookie(line), NoContent))
}

fn with_cookie(line: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SET_COOKIE, line);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
}
