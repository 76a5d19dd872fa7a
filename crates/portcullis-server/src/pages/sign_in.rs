//! `/login` and `/consent`: where people meet this server. `/authorize` leads to them.

use axum::extract::State;
use garde::Validate;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use minijinja::context;
use portcullis::auth::routes::CallerInfo;
use portcullis::auth::{Auth, Authorization, AuthorizationRefused, LoginRefused};
use portcullis::credential::SessionCookie;
use portcullis::credential::csrf::Csrf;
use portcullis::crypto::Secret;
use portcullis::extract::{Form, Query, Undescribed};
use portcullis::gate::Gate;
use portcullis::policy::public;
use portcullis::problem::{Problem, ProblemKind};
use portcullis::router::Routes;
use portcullis::types::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use url::form_urlencoded;

use super::render::{Page, PageAnswer, STYLE, message, see_other};
use super::sign_out::{Logout, confirm_sign_out, sign_out};
use super::words::Words;

/// What every page needs besides the accounts.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) cookie: SessionCookie,
    /// No other site may send a form, also none that may read answers: signing somebody in under a stranger's name
    /// is an attack too.
    pub(super) forms: Csrf,
}

/// The pages, and `/authorize`. `own` knows this site and trusts no other.
pub(crate) fn table(gate: &Gate, cookie: &SessionCookie, own: Csrf) -> Routes<Auth> {
    let browser = Browser { cookie: cookie.clone(), forms: own.strict(true) };
    let why = || public("whoever signs in");
    let (login, consent) = (browser.clone(), browser.clone());
    let (get_logout, post_logout) = (browser.clone(), browser);
    gate.routes()
        .tag("pages")
        .accepts(&["cookie"])
        .get("/authorize", why(), authorize)
        .accepts(&["cookie"])
        .get("/login", why(), show_login)
        .accepts(&["cookie"])
        .post(
            "/login",
            why(),
            async move |State(auth): State<Auth>,
                        CallerInfo(caller): CallerInfo,
                        who: Option<Principal>,
                        Undescribed(head): Undescribed<Parts>,
                        Form(form): Form<Login>| {
                sign_in(&auth, &login, caller, who, &head, form).await
            },
        )
        .accepts(&["cookie"])
        .get("/consent", why(), show_consent)
        .accepts(&["cookie"])
        .post(
            "/consent",
            why(),
            async move |State(auth): State<Auth>,
                        who: Option<Principal>,
                        Undescribed(head): Undescribed<Parts>,
                        Form(form): Form<Consent>| {
                decide(&auth, &consent, who, &head, form).await
            },
        )
        .accepts(&["cookie"])
        .get(
            "/logout",
            why(),
            async move |State(auth): State<Auth>,
                        who: Option<Principal>,
                        headers: HeaderMap,
                        Query(asked): Query<Logout>| {
                sign_out(&auth, &get_logout, who, &headers, asked, false).await
            },
        )
        .accepts(&["cookie"])
        .post(
            "/logout",
            why(),
            async move |State(auth): State<Auth>,
                        who: Option<Principal>,
                        Undescribed(head): Undescribed<Parts>,
                        Form(form): Form<Logout>| {
                confirm_sign_out(&auth, &post_logout, who, &head, form).await
            },
        )
        .get("/pages.css", public("the style of the pages"), read_style)
}

/// A page on the way to a client.
#[derive(Deserialize, JsonSchema, Validate)]
struct OnTheWay {
    /// Brings the client's request back.
    #[garde(length(chars, max = 8192))]
    #[serde(default)]
    ticket: Option<String>,
    /// A page of this site to go to afterwards, where no client asks.
    #[garde(length(chars, max = 2048))]
    #[serde(default)]
    return_to: Option<String>,
}

/// A username and a password.
#[derive(Deserialize, JsonSchema, Validate)]
struct Login {
    /// A username or e-mail address.
    #[garde(length(chars, max = 254))]
    username: String,
    /// The password.
    #[garde(length(chars, max = 1024))]
    #[schemars(extend("format" = "password"))]
    password: String,
    /// Brings the client's request back.
    #[garde(length(chars, max = 8192))]
    #[serde(default)]
    ticket: Option<String>,
    /// A page of this site to go to afterwards, where no client asks.
    #[garde(length(chars, max = 2048))]
    #[serde(default)]
    return_to: Option<String>,
}

/// What a person answers.
#[derive(Deserialize, JsonSchema, Validate)]
struct Consent {
    /// Brings the client's request back.
    #[garde(length(chars, max = 8192))]
    ticket: String,
    /// Shows that the form is ours.
    #[garde(length(chars, max = 100))]
    word: String,
    /// `allow`; anything else is a no.
    #[garde(length(chars, max = 10))]
    decision: String,
}

async fn read_style() -> ([(http::HeaderName, HeaderValue); 2], &'static str) {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    let keep = HeaderValue::from_static("public, max-age=3600");
    ([(http::header::CONTENT_TYPE, kind), (http::header::CACHE_CONTROL, keep)], STYLE)
}

async fn authorize(
    State(auth): State<Auth>,
    who: Option<Principal>,
    Undescribed(head): Undescribed<Parts>,
) -> Result<PageAnswer, Problem> {
    let query = head.uri.query().unwrap_or_default();
    follow(auth.authorize(who.as_ref(), query).await, &head.headers)
}

/// Leads the browser where it must go.
fn follow(
    next: Result<Authorization, AuthorizationRefused>,
    asked: &HeaderMap,
) -> Result<PageAnswer, Problem> {
    match next {
        Ok(Authorization::Redirect(target)) => see_other(&target, None),
        Ok(Authorization::SignIn { ticket, .. }) => {
            see_other(&with_ticket("/login", &ticket), None)
        }
        Ok(Authorization::Consent { ticket }) => see_other(&with_ticket("/consent", &ticket), None),
        Err(refused) => stay(refused, asked),
    }
}

/// Says why it leads nowhere.
fn stay(refused: AuthorizationRefused, asked: &HeaderMap) -> Result<PageAnswer, Problem> {
    let why: fn(&'static Words) -> &'static str = match refused {
        AuthorizationRefused::Client => |t| t.unknown_client,
        AuthorizationRefused::RedirectUri => |t| t.wrong_redirect,
        AuthorizationRefused::Ticket => |t| t.expired,
        AuthorizationRefused::Other(problem) => return trouble(problem, asked),
        _ => |t| t.unreadable,
    };
    message(asked, StatusCode::BAD_REQUEST, |t| (t.cannot_go_on, why(t)))
}

/// Says in a page what programs are told as a problem.
pub(super) fn trouble(problem: Problem, asked: &HeaderMap) -> Result<PageAnswer, Problem> {
    let wait = problem.seconds_to_wait();
    let mut page = match problem.kind() {
        ProblemKind::TooManyRequests => {
            message(asked, StatusCode::TOO_MANY_REQUESTS, |t| (t.cannot_go_on, t.too_many))?
        }
        ProblemKind::Unavailable => {
            message(asked, StatusCode::SERVICE_UNAVAILABLE, |t| (t.cannot_go_on, t.unavailable))?
        }
        _ => return Err(problem),
    };
    if let Some(seconds) = wait {
        page.0.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(page)
}

fn with_ticket(path: &str, ticket: &str) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("ticket", ticket).finish();
    format!("{path}?{query}")
}

/// Whether it is a path of this very site, whatever a browser makes of it.
pub(crate) fn is_local(to: &str) -> bool {
    to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// What the sign-in leads to.
#[derive(Clone, Copy, Default)]
struct LeadsTo<'a> {
    ticket: Option<&'a str>,
    return_to: Option<&'a str>,
}

impl<'a> LeadsTo<'a> {
    fn new(ticket: Option<&'a String>, return_to: Option<&'a String>) -> Self {
        Self {
            ticket: ticket.map(String::as_str).filter(|ticket| !ticket.is_empty()),
            return_to: return_to.map(String::as_str).filter(|to| is_local(to)),
        }
    }

    fn address(self) -> String {
        match (self.ticket, self.return_to) {
            (Some(ticket), _) => with_ticket("/authorize", ticket),
            (None, Some(to)) => to.to_owned(),
            (None, None) => "/login".to_owned(),
        }
    }
}

async fn show_login(
    State(auth): State<Auth>,
    who: Option<Principal>,
    headers: HeaderMap,
    Query(on_the_way): Query<OnTheWay>,
) -> Result<PageAnswer, Problem> {
    let to = LeadsTo::new(on_the_way.ticket.as_ref(), on_the_way.return_to.as_ref());
    if let (Some(who), None, None) = (&who, to.ticket, to.return_to) {
        let values = context! { title => &*who.name, text => "", sign_out => true };
        return Page::new("message", values).answer(&headers);
    }
    login_page(&auth, &headers, to, None, StatusCode::OK).await
}

/// Where the fault is, and how each language says it.
type Fault<'f> = (&'f str, fn(&'static Words) -> &'static str);

async fn login_page(
    auth: &Auth,
    headers: &HeaderMap,
    leads_to: LeadsTo<'_>,
    fault: Option<Fault<'_>>,
    status: StatusCode,
) -> Result<PageAnswer, Problem> {
    let LeadsTo { ticket, return_to } = leads_to;
    let request = match ticket {
        None => None,
        Some(ticket) => match auth.waiting_request(ticket).await {
            Ok(None) => return stay(AuthorizationRefused::Ticket, headers),
            Ok(found) => found,
            Err(refused) => return stay(refused, headers),
        },
    };
    let (client, hint, to) = match &request {
        Some(request) => {
            let to = Some(request.redirect_uri.as_str());
            (Some(request.name.as_str()), request.login_hint.as_deref(), to)
        }
        None => (None, None, None),
    };
    let username = fault.map(|(username, _)| username).or(hint).unwrap_or_default();
    let fault = fault.map(|(_, why)| why(super::render::words(headers)));
    let values = context! { client, ticket, return_to, username, fault };
    Page::new("login", values).leading_to(to).status(status).answer(headers)
}

async fn sign_in(
    auth: &Auth,
    browser: &Browser,
    caller: portcullis::auth::Caller,
    who: Option<Principal>,
    head: &Parts,
    form: Login,
) -> Result<PageAnswer, Problem> {
    if browser.forms.check(head).is_err() {
        return message(&head.headers, StatusCode::FORBIDDEN, |t| (t.cannot_go_on, t.other_site));
    }
    let to = LeadsTo::new(form.ticket.as_ref(), form.return_to.as_ref());
    let password = Secret::new(form.password);
    let signed = match auth.sign_in(&caller.actor(), &form.username, password).await {
        Ok(signed) => signed,
        Err(LoginRefused::Wrong) => {
            let fault = Some((&*form.username, (|t: &'static Words| t.wrong) as fn(_) -> _));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return login_page(auth, &head.headers, to, fault, status).await;
        }
        Err(LoginRefused::Other(problem)) => return trouble(problem, &head.headers),
        Err(_) => return Err(ProblemKind::InvalidCredential.into()),
    };
    let before = who.and_then(|who| who.session);
    let begun = auth.begin_cookie_after(&signed, caller, before).await;
    let (session, value) = match begun {
        Ok(begun) => begun,
        Err(problem) => return trouble(problem, &head.headers),
    };
    let age = session.expires_at.duration_since(session.created_at).as_secs().unsigned_abs();
    let line = browser.cookie.set(value.expose(), Some(age)).map_err(Problem::internal)?;
    see_other(&to.address(), Some(line))
}

async fn show_consent(
    State(auth): State<Auth>,
    who: Option<Principal>,
    headers: HeaderMap,
    Query(on_the_way): Query<OnTheWay>,
) -> Result<PageAnswer, Problem> {
    let ticket = on_the_way.ticket.unwrap_or_default();
    let question = match auth.consent_question(who.as_ref(), &ticket).await {
        Ok(Some(question)) => question,
        Ok(None) => return see_other(&with_ticket("/authorize", &ticket), None),
        Err(refused) => return stay(refused, &headers),
    };
    let words = super::render::words(&headers);
    let sentences: Vec<String> = question
        .scopes
        .iter()
        .map(|(scope, sentence)| match scope.as_str() {
            "openid" => words.openid.to_owned(),
            "profile" => words.profile.to_owned(),
            "email" => words.email.to_owned(),
            "offline_access" => words.offline_access.to_owned(),
            _ => sentence.clone(),
        })
        .collect();
    let values = context! {
        client => question.name,
        username => question.username,
        redirect_uri => question.redirect_uri,
        sentences,
        word => auth.form_word(question.session, &ticket)?,
        ticket,
    };
    Page::new("consent", values).leading_to(Some(&question.redirect_uri)).answer(&headers)
}

async fn decide(
    auth: &Auth,
    browser: &Browser,
    who: Option<Principal>,
    head: &Parts,
    form: Consent,
) -> Result<PageAnswer, Problem> {
    let ours = match who.as_ref().and_then(|who| who.session) {
        Some(session) => auth.is_form_word(session, &form.ticket, &form.word)?,
        None => false,
    };
    if !ours || browser.forms.check(head).is_err() {
        return message(&head.headers, StatusCode::FORBIDDEN, |t| (t.cannot_go_on, t.other_site));
    }
    let allowed = form.decision == "allow";
    follow(auth.decide_consent(who.as_ref(), &form.ticket, allowed).await, &head.headers)
}
