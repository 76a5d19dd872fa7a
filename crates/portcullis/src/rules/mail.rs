//! Letters to users.

use std::fmt;

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
pub trait Post: fmt::Debug + Send + Sync + 'static {
    /// Takes a letter.
    fn send(&self, mail: Mail);
}

/// Sends nothing, and says so in the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPost;

impl Post for NoPost {
    fn send(&self, mail: Mail) {
        tracing::warn!(subject = mail.subject, "no mail is configured: a letter was not sent");
    }
}
