//! `[cors]`: which pages of other origins may read answers.

use std::time::Duration;

use super::table::settings;

settings! {
    /// Which pages of other origins may read the API's answers. Nothing is open until named here.
    /// CORS loosens the browser's own rule and protects nothing: a forged request is stopped elsewhere.
    Cors reads "cors" {
        /// The origins: exact as `https://app.example.com`, patterns as `https://*.example.com`, or `*` alone for any.
        origins: Vec<String> = vec![];
        /// The methods a page may use, or `*`.
        methods: Vec<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec();
        /// The request headers a page may set. `*` stands for all but `Authorization`, which must be named.
        headers: Vec<String> = ["Authorization", "Content-Type"].map(str::to_owned).to_vec();
        /// The answer's headers a page may read, beside those it always may.
        expose_headers: Vec<String> = ["WWW-Authenticate", "X-Request-Id", "Retry-After"].map(str::to_owned).to_vec();
        /// Whether a page may send the session cookie along. Never together with `*`.
        credentials: bool = false;
        /// How long a browser may remember a preflight's answer. Browsers cap it, Chromium at 2 hours.
        max_age: Duration = Duration::from_mins(10);
    }
}
