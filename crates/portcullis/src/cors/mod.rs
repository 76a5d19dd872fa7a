//! 1, may this origin ask at all? The Fetch standard's CORS protocol, outermost around everything.
//!
//! CORS lets pages of other origins *read* answers. It stops no request from being sent and executed:
//! that is for `credential::csrf` to do.
//!
//! [`Cors`] says what is allowed; [`Cors::build`] refuses every combination that cannot work or that
//! is dangerous, all at once; [`CorsLayer`] does it; [`CorsLayer::explain`] says what a browser would
//! make of it.

mod check;
mod explain;
mod layer;
mod lists;
mod rules;
mod safelist;

pub use explain::{Explanation, Question, RequestClass};
pub use layer::{CorsFuture, CorsLayer, CorsService};
pub use lists::{Headers, Methods, Origins};
pub use rules::CorsRules;

use crate::problem::ConfigError;

#[cfg(test)]
mod tests;

/// The longest `max_age` that is taken, in seconds: a day, after which Firefox asks again whatever
/// it was told. Chromium asks again after two hours.
pub const LONGEST_MAX_AGE: u64 = 86_400;

/// What pages of other origins may do. Nothing, unless said.
///
/// Who may is said by [`origins`](Self::origins). What they may do has values that fit a JSON API:
/// the methods `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, the request headers `Authorization`
/// and `Content-Type`, no cookies.
///
/// ```
/// use portcullis::cors::{Cors, Headers, Origins};
///
/// let layer = Cors::closed()
///     .origins(["https://app.example", "https://*.shops.example"])
///     .credentials(true)
///     .max_age(600)
///     .build()?;
/// # let _ = layer;
///
/// let error = Cors::closed().origins(Origins::any()).credentials(true).build().unwrap_err();
/// assert_eq!(error.faults[0].setting, "cors.origins");
/// # Ok::<(), portcullis::problem::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting that stands alone")]
pub struct Cors {
    origins: Origins,
    methods: Methods,
    headers: Headers,
    expose_headers: Headers,
    credentials: bool,
    max_age: Option<u64>,
    private_network: bool,
    sealed: bool,
    explain_refusals: bool,
    paths: Vec<(String, Cors)>,
}

impl Default for Cors {
    fn default() -> Self {
        Self::closed()
    }
}

impl Cors {
    /// No page of another origin may read anything. A preflight is answered, with a refusal.
    pub fn closed() -> Self {
        Self {
            origins: Origins::default(),
            methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].into(),
            headers: ["authorization", "content-type"].into(),
            expose_headers: Headers::default(),
            credentials: false,
            max_age: None,
            private_network: false,
            sealed: false,
            explain_refusals: false,
            paths: Vec::new(),
        }
    }

    /// Closed for good: [`build`](Self::build) refuses it if it is opened afterwards. For pages that
    /// a browser visits and no script may read, such as OAuth's authorization page (RFC 9700 §2.6).
    pub fn never() -> Self {
        Self { sealed: true, ..Self::closed() }
    }

    /// For documents that are the same for everybody, such as a JWKS or those under `/.well-known/`:
    /// any origin may `GET` them.
    pub fn public_metadata() -> Self {
        Self::closed()
            .origins(Origins::any())
            .methods(["GET"])
            // Clients of the Model Context Protocol send it with every request, discovery included.
            .headers(["mcp-protocol-version"])
            .max_age(7200)
    }

    /// For the token endpoint: these origins may `POST` to it, without cookies. Clients sign in by
    /// `Authorization` or in the form, and may send a `DPoP` proof (RFC 9449).
    pub fn token_endpoint(origins: impl Into<Origins>) -> Self {
        Self::closed()
            .origins(origins)
            .methods(["POST"])
            .headers(["authorization", "content-type", "dpop"])
            .expose_headers(["dpop-nonce", "retry-after", "www-authenticate", "x-request-id"])
            .max_age(7200)
    }

    /// Whose pages may ask: one origin, a list of origins and of patterns such as
    /// `https://*.example.com`, [`Origins::any`] or [`Origins::when`].
    ///
    /// An origin is written as browsers do: `https://app.example`, in lower case, without a slash at
    /// the end and without the scheme's own port. `null` counts only where it is named.
    pub fn origins(mut self, allowed: impl Into<Origins>) -> Self {
        self.origins = allowed.into();
        self
    }

    /// Which methods they may use. `GET`, `HEAD` and `POST` need not be named: they cannot be
    /// forbidden by CORS.
    pub fn methods(mut self, allowed: impl Into<Methods>) -> Self {
        self.methods = allowed.into();
        self
    }

    /// Which request headers they may set, besides those that every page may.
    pub fn headers(mut self, allowed: impl Into<Headers>) -> Self {
        self.headers = allowed.into();
        self
    }

    /// Which headers of the answer they may read, besides those that every page may.
    pub fn expose_headers(mut self, exposed: impl Into<Headers>) -> Self {
        self.expose_headers = exposed.into();
        self
    }

    /// Whether their requests may carry cookies and what else the browser keeps for this host. Not
    /// needed for an `Authorization` header that the page sets itself.
    pub fn credentials(mut self, allow: bool) -> Self {
        self.credentials = allow;
        self
    }

    /// How long a browser may remember the answer to a preflight, in seconds, at most
    /// [`LONGEST_MAX_AGE`]. Five seconds in most browsers if not said; 0 for not at all.
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Whether pages out on the internet may reach this server inside its own network, where the
    /// browser asks by `Access-Control-Request-Private-Network`. A browser that asks the person
    /// instead (Local Network Access) does not send that, and is not affected.
    pub fn private_network(mut self, allow: bool) -> Self {
        self.private_network = allow;
        self
    }

    /// Says on each refusal why, in the header `X-Cors-Explained` and in the log. For development: it
    /// tells strangers what is allowed.
    pub fn explain_refusals(mut self, explain: bool) -> Self {
        self.explain_refusals = explain;
        self
    }

    /// Gives the routes of a path their own rules, written like a path of axum: `/items/{id}`,
    /// `/files/{*rest}`. They replace these rules there and add nothing to them.
    /// Where paths overlap the more exact one counts, also against routes that have no rules of
    /// their own if [`CorsLayer::with_routes`] is told of them.
    pub fn at(mut self, path: impl Into<String>, rules: Self) -> Self {
        self.paths.push((path.into(), rules));
        self
    }

    /// Checks everything and makes the layer.
    ///
    /// # Errors
    /// [`ConfigError`] with every setting that cannot work or is dangerous, why, and what to do.
    pub fn build(self) -> Result<CorsLayer, ConfigError> {
        let mut faults = ConfigError::none();
        let base = faults.take(check::compile(&self, "cors"));
        let explain = self.explain_refusals;
        let mut paths = Vec::new();
        for (path, cors) in self.paths {
            let section = format!("cors[{path}]");
            if !cors.paths.is_empty() {
                faults.add(
                    &section,
                    "rules of a path cannot hold paths",
                    "give each path its line",
                );
            }
            if let Some(rules) = faults.take(check::compile(&cors, &section)) {
                paths.push((path, rules));
            }
        }
        let mut layer = CorsLayer::of(base.unwrap_or_default(), explain);
        for (path, rules) in paths {
            match layer.clone().with_path(&path, rules) {
                Ok(more) => layer = more,
                Err(mut error) => faults.faults.append(&mut error.faults),
            }
        }
        faults.into_result(layer)
    }

    /// Checks everything and makes rules for one path, for [`CorsLayer::with_path`].
    ///
    /// # Errors
    /// As [`build`](Self::build); `section` is named in it, such as `cors of /items`.
    pub fn rules(self, section: &str) -> Result<CorsRules, ConfigError> {
        check::compile(&self, section)
    }
}
