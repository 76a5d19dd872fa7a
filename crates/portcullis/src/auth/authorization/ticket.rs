//! An authorization request that waits while its person is on a page.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::LONGEST_REQUEST;
use crate::auth::Auth;
use crate::crypto::Secret;
use crate::problem::Problem;
use crate::types::{SessionId, Timestamp};

/// How long a person may take on a page, in seconds.
const LIFETIME: i64 = 3600;

/// The request, and when it came first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    #[serde(rename = "q")]
    pub(super) query: String,
    /// In microseconds since 1970.
    #[serde(rename = "t")]
    asked_at: i64,
}

impl Ticket {
    pub(super) fn new(query: &str, now: Timestamp) -> Self {
        Self { query: query.to_owned(), asked_at: now.as_microsecond() }
    }

    pub(super) fn asked_at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.asked_at).unwrap_or(Timestamp::MAX)
    }
}

impl Auth {
    fn ticket_key(&self, purpose: &str) -> Result<hmac::Key, Problem> {
        let key: Secret<[u8; 32]> = self.0.master.subkey(purpose).map_err(Problem::internal)?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    pub(super) fn write_ticket(&self, ticket: &Ticket) -> Result<String, Problem> {
        let body = serde_json::to_vec(ticket).map_err(Problem::internal)?;
        let body = URL_SAFE_NO_PAD.encode(body);
        let tag = hmac::sign(&self.ticket_key("authorization ticket")?, body.as_bytes());
        Ok(format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The ticket that a page brings back; `None` where it is not ours, or too old.
    pub(super) fn read_ticket(&self, text: &str) -> Result<Option<Ticket>, Problem> {
        // A JSON string and base64 make a query twice as long at the most.
        if text.len() > 2 * LONGEST_REQUEST {
            return Ok(None);
        }
        let key = self.ticket_key("authorization ticket")?;
        let read = || {
            let (body, tag) = text.split_once('.')?;
            let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
            hmac::verify(&key, body.as_bytes(), &tag).ok()?;
            let ticket: Ticket =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
            let age = self.now().as_second() - ticket.asked_at().as_second();
            (0..LIFETIME).contains(&age).then_some(ticket)
        };
        Ok(read())
    }

    /// The word that a form of a page holds, so that no other site can have sent it: of this sign-in and this
    /// ticket.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn form_word(&self, session: SessionId, ticket: &str) -> Result<String, Problem> {
        let key = self.ticket_key("form word")?;
        let mut context = hmac::Context::with_key(&key);
        context.update(session.0.as_bytes());
        context.update(ticket.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(context.sign()))
    }

    /// Whether this is that word, compared in constant time.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn is_form_word(
        &self,
        session: SessionId,
        ticket: &str,
        word: &str,
    ) -> Result<bool, Problem> {
        let key = self.ticket_key("form word")?;
        let Ok(tag) = URL_SAFE_NO_PAD.decode(word) else { return Ok(false) };
        let mut text = session.0.as_bytes().to_vec();
        text.extend_from_slice(ticket.as_bytes());
        Ok(hmac::verify(&key, &text, &tag).is_ok())
    }
}
