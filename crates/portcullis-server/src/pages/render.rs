//! How a page is made: a template, a language, and the headers that keep it ours.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    LOCATION, REFERRER_POLICY, SET_COOKIE, VARY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use minijinja::{AutoEscape, Environment, Value, context};
use portcullis::openapi::{DescribeAnswer, OperationBuilder};
use portcullis::problem::Problem;
use url::Url;

use super::words::{self, Words};

/// A page or a redirect, as an answer that the document describes.
pub(crate) struct PageAnswer(pub(crate) Response);

impl IntoResponse for PageAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for PageAnswer {
    fn describe(operation: &mut OperationBuilder<'_>) {
        let text = serde_json::json!({"type": "string"});
        operation.raw_answer(StatusCode::OK, "text/html; charset=utf-8", text);
        operation.redirect();
        operation.undescribed_answer();
    }
}

static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, text) in [
        ("base", include_str!("templates/base.html")),
        ("login", include_str!("templates/login.html")),
        ("consent", include_str!("templates/consent.html")),
        ("logout", include_str!("templates/logout.html")),
        ("message", include_str!("templates/message.html")),
    ] {
        templates.add_template(name, text)?;
    }
    Ok(templates)
});

/// The style sheet of every page.
pub(crate) const STYLE: &str = include_str!("templates/pages.css");

/// A page in the making.
pub(crate) struct Page<'a> {
    /// Which template.
    pub(crate) name: &'static str,
    /// What stands in it.
    pub(crate) values: Value,
    /// Where its form may lead in the end, besides here: a browser follows no other redirect of a form.
    pub(crate) leads_to: Option<&'a str>,
    pub(crate) status: StatusCode,
}

impl<'a> Page<'a> {
    pub(crate) fn new(name: &'static str, values: Value) -> Self {
        Self { name, values, leads_to: None, status: StatusCode::OK }
    }

    pub(crate) fn leading_to(mut self, uri: Option<&'a str>) -> Self {
        self.leads_to = uri;
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Makes the answer, in the language that the browser asks for.
    ///
    /// # Errors
    /// A fault of ours.
    pub(crate) fn answer(self, asked: &HeaderMap) -> Result<PageAnswer, Problem> {
        let words = words::of(language(asked));
        let templates = TEMPLATES.as_ref().map_err(|error| Problem::internal(error.to_string()))?;
        let template = templates.get_template(self.name).map_err(Problem::internal)?;
        let values = context! { t => words, lang => words.language, ..self.values };
        let html = template.render(values).map_err(Problem::internal)?;
        let mut response = (self.status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        let policy = policy(self.leads_to);
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::try_from(policy).map_err(Problem::internal)?,
        );
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // So that a form of this page says where it is from.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(words.language));
        headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
        Ok(PageAnswer(response))
    }
}

/// The words of the language that the browser asks for.
pub(crate) fn words(asked: &HeaderMap) -> &'static Words {
    words::of(language(asked))
}

/// A page that says one thing, and why.
///
/// # Errors
/// A fault of ours.
pub(crate) fn message(
    asked: &HeaderMap,
    status: StatusCode,
    of: impl Fn(&'static Words) -> (&'static str, &'static str),
) -> Result<PageAnswer, Problem> {
    let (title, text) = of(words::of(language(asked)));
    Page::new("message", context! { title, text }).status(status).answer(asked)
}

/// Sends the browser elsewhere by GET, whatever it came by (RFC 9700 §4.12).
///
/// # Errors
/// Where the address cannot stand in a header.
pub(crate) fn see_other(to: &str, cookie: Option<HeaderValue>) -> Result<PageAnswer, Problem> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::try_from(to).map_err(Problem::internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    Ok(PageAnswer(response))
}

/// Nothing but a style sheet of ours, no frame around it, and forms that lead here or to the client.
fn policy(leads_to: Option<&str>) -> String {
    let client = leads_to.and_then(|uri| Url::parse(uri).ok()).map(|url| match url.scheme() {
        "http" | "https" => format!(" {}", url.origin().ascii_serialization()),
        private => format!(" {private}:"),
    });
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'{}",
        client.unwrap_or_default()
    )
}

/// German where the browser likes it better than English, else English.
fn language(asked: &HeaderMap) -> &'static str {
    let header = asked.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let mut best = ("en", 0.0_f32);
    for one in header.unwrap_or_default().split(',').take(20) {
        let mut parts = one.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        let known = match name.split('-').next() {
            Some("de") => "de",
            Some("en") => "en",
            _ => continue,
        };
        if quality > best.1 {
            best = (known, quality);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_best() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, text.parse().unwrap());
            language(&headers)
        };
        assert_eq!(of("de-AT,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(of("fr, en;q=0.5, de;q=0.7"), "de");
        assert_eq!(of("en-US,de;q=0.9"), "en");
        assert_eq!(of("fr"), "en");
        assert_eq!(of("de;q=0"), "en");
        assert_eq!(language(&HeaderMap::new()), "en");
    }

    #[test]
    fn a_form_leads_here_or_to_the_client_alone() {
        assert!(policy(None).ends_with("form-action 'self'"));
        let to = |uri| policy(Some(uri)).rsplit_once("'self'").unwrap().1.to_owned();
        assert_eq!(to("https://app.example:8443/cb?x=1"), " https://app.example:8443");
        assert_eq!(to("com.example.app:/cb"), " com.example.app:");
        assert_eq!(to("http://127.0.0.1:9777/cb"), " http://127.0.0.1:9777");
    }
}
