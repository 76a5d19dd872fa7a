//! A box that e-mails fall into.

use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::{Mail, Mailer};

/// Keeps e-mails instead of sending them. Its clones are the same box.
#[derive(Clone, Debug, Default)]
pub struct MailBox(Arc<Mutex<Vec<Mail>>>);

impl MailBox {
    /// An empty box.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every e-mail so far, oldest first.
    #[must_use]
    pub fn emails(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest e-mail to this address.
    #[must_use]
    pub fn newest_to(&self, address: &str) -> Option<Mail> {
        self.emails().into_iter().rev().find(|mail| mail.to == address)
    }

    /// Takes every e-mail out, oldest first.
    #[must_use]
    pub fn empty(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Mailer for MailBox {
    fn send(&self, mail: Mail) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
    }
}
