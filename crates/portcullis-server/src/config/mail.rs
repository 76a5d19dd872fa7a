//! `[mail]`: how mails leave.

use secrecy::SecretString;

use super::table::settings;

settings! {
    /// How mails leave: to verify an address, to reset a password. Without a server none is sent.
    Mail reads "mail" {
        /// The mail server: `smtps://USER:PASSWORD@HOST` (TLS from the start) or `smtp://USER:PASSWORD@HOST:587` (STARTTLS, required).
        url: Option<SecretString> = None, otherwise "none";
        /// The sender, such as `Portcullis <no-reply@example.org>`. Needed with `url`.
        from: Option<String> = None, otherwise "none";
    }
}
