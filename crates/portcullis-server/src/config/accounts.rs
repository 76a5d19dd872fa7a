//! `[accounts]`: who may have which name.

use portcullis::auth::Settings;

use super::table::settings;

settings! {
    /// Who may have which name.
    Accounts reads "accounts" {
        /// Usernames that nobody can register, nor an administrator give over HTTP, however they are written:
        /// in capitals, with marks in between, in letters that look like these. `portcullis user add` may.
        reserved_names: Vec<String> = Settings::RESERVED_NAMES.map(str::to_owned).to_vec();
    }
}
