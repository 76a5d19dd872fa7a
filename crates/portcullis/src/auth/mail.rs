//! Letters to users.

use std::fmt;

use super::Auth;

/// A letter.
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

/// Something that takes letters to where they go. It must return at once, and send later.
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Takes a letter.
    fn send(&self, mail: Mail);
}

impl Auth {
    /// Sends a letter, unless its address has had more than enough of them.
    pub(super) fn send(&self, mail: Mail) {
        let subject = mail.subject.as_str();
        match &self.0.post {
            None => tracing::warn!(subject, "no mail is configured: a letter was not sent"),
            Some(_) if self.0.throttle.letter(&mail.to, self.now()).is_err() => {
                tracing::warn!(
                    subject,
                    "a letter was not sent: its address was sent enough of them"
                );
            }
            Some(post) => post.send(mail),
        }
    }
}
