//! What a browser would make of a request, and which setting decides.

use std::fmt;

use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method, Request};

use super::layer::CorsLayer;
use super::rules::{Allowed, Compiled, CorsRules, Verdict};
use super::safelist::{
    is_forbidden_header, is_forbidden_method, is_safelisted_method, normalize_method,
    unsafe_headers,
};
use crate::types::{Origin, OriginRule};

/// A request that a page would like to make.
///
/// ```
/// use portcullis::cors::{Cors, Question, RequestClass};
///
/// let layer = Cors::closed().origins(["https://app.example"]).build()?;
/// let question = Question::new("https://app.example", "DELETE", "/items/7");
/// let answer = layer.explain(&question);
/// assert_eq!(answer.class, RequestClass::Preflighted);
/// assert!(answer.allowed);
/// # Ok::<(), portcullis::problem::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Question {
    origin: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    credentials: bool,
    server: Option<Origin>,
}

impl Question {
    /// A page of `origin` makes a request without credentials and without headers of its own.
    pub fn new(
        origin: impl Into<String>,
        method: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        Self {
            origin: origin.into(),
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            credentials: false,
            server: None,
        }
    }

    /// With this header: `Name: value`, or a name alone. `Content-Type` alone means
    /// `application/json`; any other name alone means a harmless value.
    pub fn header(mut self, line: &str) -> Self {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let (name, mut value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "content-type" && value.is_empty() {
            value = "application/json";
        }
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With cookies: `fetch(…, {credentials: "include"})`.
    pub fn credentials(mut self, include: bool) -> Self {
        self.credentials = include;
        self
    }

    /// To this server. A page of the same origin needs no CORS.
    pub fn server(mut self, origin: Origin) -> Self {
        self.server = Some(origin);
        self
    }
}

/// How a browser goes about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestClass {
    /// Page and server have the same origin: CORS has no say.
    SameOrigin,
    /// No browser lets a page make it.
    Never,
    /// It is sent at once, whatever the rules are; they decide only whether the page reads the answer.
    Simple,
    /// The browser asks first, by `OPTIONS`, and sends it only where the answer allows it.
    Preflighted,
}

/// What a browser would do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// How the browser goes about it.
    pub class: RequestClass,
    /// Why it asks first: the method, headers.
    pub preflight_for: Vec<String>,
    /// Whether the page gets to read the answer.
    pub allowed: bool,
    /// Whether the request reaches a route. A simple one does even where the page may not read.
    pub reaches_the_route: bool,
    /// The setting that refuses, or the one that lets the origin in: `cors.origins`, say.
    pub setting: Option<String>,
    /// All of it in a sentence or two.
    pub sentence: String,
    /// What to change, where it is refused.
    pub fix: Option<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.allowed { "allowed" } else { "refused" })?;
        if let Some(setting) = &self.setting {
            write!(f, " by {setting}")?;
        }
        write!(f, "\n{}", self.sentence)?;
        match &self.fix {
            Some(fix) => write!(f, "\nFix: {fix}"),
            None => Ok(()),
        }
    }
}

impl CorsLayer {
    /// Says what a browser would do with a request, as the rules stand.
    #[must_use]
    pub fn explain(&self, question: &Question) -> Explanation {
        let path = question.path.split(['?', '#']).next().unwrap_or_default();
        explain(&self.rules_at(path).0, question)
    }
}

fn explain(rules: &Compiled, question: &Question) -> Explanation {
    let Question { origin, credentials, server, .. } = question;
    let done = |class, allowed, sentence: String| Explanation {
        class,
        preflight_for: Vec::new(),
        allowed,
        reaches_the_route: allowed,
        setting: None,
        sentence,
        fix: None,
    };
    let method = normalize_method(&question.method);
    if Method::from_bytes(method.as_bytes()).is_err() || is_forbidden_method(&method) {
        let sentence = format!("No browser lets a page use the method `{}`.", safe(&method));
        return done(RequestClass::Never, false, sentence);
    }
    if let Some((name, _)) = question.headers.iter().find(|(name, _)| is_forbidden_header(name)) {
        let sentence =
            format!("No browser lets a page set the header `{}`: it sets it itself.", safe(name));
        return done(RequestClass::Never, false, sentence);
    }
    if let Some((name, _)) =
        question.headers.iter().find(|(name, _)| HeaderName::from_bytes(name.as_bytes()).is_err())
    {
        let sentence = format!("`{}` is no name of a header.", safe(name));
        return done(RequestClass::Never, false, sentence);
    }
    if server.as_ref().is_some_and(|server| server.as_str() == origin) {
        let sentence = "The page has the server's own origin: CORS has no say.".to_owned();
        return done(RequestClass::SameOrigin, true, sentence);
    }
    let headers = unsafe_headers(question.headers.iter().map(|(n, v)| (&**n, v.as_bytes())));
    let mut preflight_for = Vec::new();
    if !is_safelisted_method(&method) {
        preflight_for.push(format!("the method {}", safe(&method)));
    }
    preflight_for.extend(headers.iter().map(|name| format!("the header {name}")));
    let asks_first = !preflight_for.is_empty();
    let refusal = Asked { origin, credentials: *credentials }
        .refusal(rules, asks_first.then_some((&*method, &headers)));
    let how = if asks_first {
        format!("The browser asks first, because of {}.", preflight_for.join(", "))
    } else {
        "The browser sends the request at once, without asking.".to_owned()
    };
    let (sentence, setting, fix) = match &refusal {
        None => (
            format!("{how} `{}` is allowed, and the page reads the answer.", safe(origin)),
            "origins",
            None,
        ),
        Some(refusal) if asks_first => (
            format!("{how} {} The request itself is never sent.", refusal.sentence),
            refusal.setting,
            Some(refusal.fix.clone()),
        ),
        Some(refusal) => (
            format!(
                "{how} {} The page cannot read the answer; the server has executed the request.",
                refusal.sentence
            ),
            refusal.setting,
            Some(refusal.fix.clone()),
        ),
    };
    Explanation {
        class: if asks_first { RequestClass::Preflighted } else { RequestClass::Simple },
        preflight_for,
        allowed: refusal.is_none(),
        reaches_the_route: refusal.is_none() || !asks_first,
        setting: Some(format!("{}.{setting}", rules.section)),
        sentence,
        fix,
    }
}

/// Why the layer refuses a request that has arrived, for a person; `None` where it does not.
pub(super) fn refusal<B>(rules: &CorsRules, request: &Request<B>) -> Option<HeaderValue> {
    let headers = request.headers();
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = origins.next()?;
    let refusal = if origins.next().is_some() {
        Refusal {
            setting: "origins",
            sentence: "The request has more than one `Origin` line.".to_owned(),
            fix: "find out which proxy adds one".to_owned(),
        }
    } else {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let preflight = preflight_of(request.method(), headers);
        let preflight = preflight.as_ref().map(|(method, names)| (&**method, &**names));
        // Whether the page includes credentials is not to be seen from here.
        Asked { origin: &origin, credentials: false }.refusal(&rules.0, preflight)?
    };
    let section = &rules.0.section;
    tracing::debug!(
        setting = format_args!("{section}.{}", refusal.setting),
        path = request.uri().path(),
        fix = refusal.fix,
        "CORS: {}",
        refusal.sentence
    );
    let line = format!("{section}.{}: {} Fix: {}.", refusal.setting, refusal.sentence, refusal.fix);
    HeaderValue::from_str(&safe(&line)).ok()
}

fn preflight_of(method: &Method, headers: &HeaderMap) -> Option<(String, Vec<String>)> {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| method == Method::OPTIONS)?;
    let names = headers
        .get_all(ACCESS_CONTROL_REQUEST_HEADERS)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    Some((String::from_utf8_lossy(asked.as_bytes()).into_owned(), names))
}

struct Asked<'a> {
    origin: &'a str,
    credentials: bool,
}

/// Why a browser keeps the answer from the page, or does not send the request.
struct Refusal {
    setting: &'static str,
    sentence: String,
    fix: String,
}

impl Asked<'_> {
    /// In the order in which a browser looks: origin, credentials, method, headers.
    fn refusal(&self, rules: &Compiled, preflight: Option<(&str, &[String])>) -> Option<Refusal> {
        let refuse =
            |setting, sentence: String, fix: String| Some(Refusal { setting, sentence, fix });
        let origin = safe(self.origin);
        let granted = HeaderValue::from_str(self.origin)
            .is_ok_and(|value| matches!(rules.origins.grant(&value), Verdict::Granted(_)));
        if !granted {
            let (why, fix) = why_not(&rules.origins, self.origin);
            return refuse("origins", format!("`{origin}` is not allowed: {why}."), fix);
        }
        if self.credentials && !rules.credentials {
            return refuse(
                "credentials",
                "The page sends credentials, and they are not allowed.".to_owned(),
                if matches!(rules.origins, Allowed::Anybody) {
                    "name the origins instead of `*`, and allow credentials".to_owned()
                } else {
                    "allow credentials, or let the page leave them out".to_owned()
                },
            );
        }
        let (method, headers) = preflight?;
        let any = |names: bool| names && !self.credentials;
        if !is_safelisted_method(method)
            && !rules.methods.has_method(method)
            && !any(rules.methods.any)
        {
            let method = safe(method);
            let fix = if rules.methods.has_method(&method.to_ascii_uppercase()) {
                format!("let the page write {}", method.to_ascii_uppercase())
            } else {
                format!("add {method} to the methods")
            };
            return refuse("methods", format!("The method {method} is not allowed."), fix);
        }
        let missing = headers.iter().find(|name| {
            let covered = any(rules.headers.any) && *name != "authorization";
            !covered && !rules.headers.has_header(name)
        })?;
        let missing = safe(missing);
        let note = if rules.headers.any { " (`*` does not cover it)" } else { "" };
        refuse(
            "headers",
            format!("The header {missing} is not allowed{note}."),
            format!("add {missing} to the headers"),
        )
    }
}

fn why_not(allowed: &Allowed, origin: &str) -> (String, String) {
    let name_it = || format!("add {} to the origins", safe(origin));
    let Allowed::Listed { all, .. } = allowed else {
        return match allowed {
            Allowed::When(_) => ("the API's own rule says no".to_owned(), name_it()),
            _ => ("no origin is".to_owned(), name_it()),
        };
    };
    if origin == "null" {
        return (
            "`null` is what sandboxed frames and local files are, and counts only where it is named"
                .to_owned(),
            "serve the page from a site".to_owned(),
        );
    }
    let asking = match origin.parse::<Origin>() {
        Ok(asking) => asking,
        Err(invalid) => {
            return (format!("no browser writes it so ({})", invalid.wrong), invalid.fix.into());
        }
    };
    for rule in all {
        let near = match rule {
            OriginRule::Exact(known) if known.host() == asking.host() => {
                if known.scheme() == asking.scheme() {
                    "the port differs"
                } else {
                    "the scheme differs"
                }
            }
            OriginRule::Below(_) if one_label_short(rule, &asking) => {
                "a pattern means exactly one more label"
            }
            _ => continue,
        };
        return (format!("`{rule}` is, and {near}"), name_it());
    }
    ("it is not in the list".to_owned(), name_it())
}

/// Whether the pattern would fit with one label more or with some less.
fn one_label_short(pattern: &OriginRule, asking: &Origin) -> bool {
    let (scheme, authority) = (asking.scheme(), asking.authority());
    let with_more = format!("{scheme}://x.{authority}");
    let with_less = authority
        .match_indices('.')
        .any(|(dot, _)| pattern.matches(format!("{scheme}://x{}", &authority[dot..]).as_bytes()));
    pattern.matches(with_more.as_bytes()) || with_less
}

/// What a stranger wrote, fit for a header and a terminal.
fn safe(text: &str) -> String {
    text.chars().take(400).map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect()
}
