//! `[geo]`: how the country of a client is known.

use std::path::PathBuf;

use super::table::settings;

settings! {
    /// How the country of a client is known, for grants that count only from some. Where neither says it, it is
    /// unknown: an allowance under such a condition does not count, and a denial does.
    Geo reads "geo" {
        /// A database of countries in MaxMind's format, such as `GeoLite2-Country.mmdb`. It is read
        /// at start, and again when it changes; a broken one does not replace the one before.
        database_file: Option<PathBuf> = None, otherwise "none";
        /// The header in which a proxy of `server.trusted_proxies` says the country in two letters, such as `CF-IPCountry`.
        /// It goes before the file. The proxy must set it on every request.
        country_header: Option<String> = None, otherwise "none";
    }
}
