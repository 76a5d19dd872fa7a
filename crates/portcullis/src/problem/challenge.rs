//! `WWW-Authenticate`: one line a scheme (RFC 9110 §11.6.1).

use std::borrow::Cow;

use http::HeaderValue;

/// One line of `WWW-Authenticate`.
///
/// ```
/// use portcullis::problem::Challenge;
///
/// let line = Challenge::new("Bearer").with("realm", "api").with("error", "invalid_token");
/// assert_eq!(line.to_header(), r#"Bearer realm="api", error="invalid_token""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: Cow<'static, str>,
    parameters: Vec<(&'static str, String)>,
}

impl Challenge {
    /// A challenge of this scheme, such as `Basic`.
    #[must_use]
    pub fn new(scheme: impl Into<Cow<'static, str>>) -> Self {
        Self { scheme: scheme.into(), parameters: Vec::new() }
    }

    /// Adds a parameter, or replaces it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.retain(|(known, _)| *known != name);
        self.parameters.push((name, value.into()));
        self
    }

    /// The scheme it asks for.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The line as a header. Characters that cannot stand in one are left out.
    #[must_use]
    pub fn to_header(&self) -> HeaderValue {
        let mut line = self.scheme.to_string();
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            line.push_str(if position == 0 { " " } else { ", " });
            line.push_str(name);
            line.push_str("=\"");
            for character in value.chars().filter(|c| matches!(c, ' '..='~')) {
                if matches!(character, '"' | '\\') {
                    line.push('\\');
                }
                line.push(character);
            }
            line.push('"');
        }
        HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }
}
