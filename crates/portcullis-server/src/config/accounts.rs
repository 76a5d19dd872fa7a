//! `[accounts]`: who may register, and who may have which name.

use portcullis::auth::Settings;

use super::table::settings;
use super::value::choice;

settings! {
    /// Who may register, and who may have which name.
    Accounts reads "accounts" {
        /// Who may register: `open` everybody, and the answer tells whether a name is taken; `verified` everybody, the answer is always the same and an address counts once its e-mail was answered; `invite` whoever brings an invitation (`portcullis invite`); `closed` nobody.
        registration: Option<Registration> = None, otherwise "`closed`; `open` in the demo";
        /// Usernames that nobody can register, nor an administrator give over HTTP, however they are written:
        /// in capitals, with marks in between, in letters that look like these. `portcullis user add` may.
        reserved_names: Vec<String> = Settings::RESERVED_NAMES.map(str::to_owned).to_vec();
    }
}

choice! {
    /// Who may register.
    Registration {
        /// Everybody.
        Open = "open",
        /// Everybody; an address is verified by e-mail.
        Verified = "verified",
        /// Whoever brings an invitation.
        Invite = "invite",
        /// Nobody.
        Closed = "closed",
    }
}
