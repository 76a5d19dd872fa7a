//! `[accounts]`: who may register.

use super::table::settings;
use super::value::choice;

settings! {
    /// Who may register.
    Accounts reads "accounts" {
        /// Who may register: `open` everybody, and the answer tells whether a name is taken; `verified` everybody, the answer is always the same and an address counts once its e-mail was answered; `invite` whoever brings an invitation (`portcullis invite`); `closed` nobody.
        registration: Option<Registration> = None, otherwise "`closed`; `open` in the demo";
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
