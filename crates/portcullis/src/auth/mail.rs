//! E-mails to users.

use std::fmt;

use super::Auth;
use super::throttle::EmailKind;

/// An e-mail.
#[derive(Clone)]
pub struct Mail {
    /// To which address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says. It may hold a secret: never log it.
    pub text: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Sends e-mails. It must return at once, and send later.
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Takes an e-mail over.
    fn send(&self, mail: Mail);
}

impl Auth {
    /// Sends an e-mail, unless its address has had more than enough of them.
    pub(super) fn send(&self, kind: EmailKind, mail: Mail) {
        let subject = mail.subject.as_str();
        match &self.0.mailer {
            None => tracing::warn!(subject, "no mail is configured: an e-mail was not sent"),
            Some(_) if self.0.throttle.email(kind, &mail.to, &self.0.sources).is_err() => {
                tracing::warn!(
                    subject,
                    "an e-mail was not sent: its address was sent enough of them"
                );
            }
            Some(mailer) => mailer.send(mail),
        }
    }
}
