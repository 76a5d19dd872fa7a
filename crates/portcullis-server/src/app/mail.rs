//! E-mail to users, over SMTP.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use portcullis::auth::{Mail, Mailer};
use portcullis::problem::ConfigError;
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use crate::config;

/// How many e-mails may wait to be sent.
const WAITING: usize = 1000;

/// How many are sent at once.
const AT_ONCE: usize = 4;

/// How long is waited after each attempt that failed before the next one.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
];

/// Ports at which another service than mail listens.
const NOT_FOR_MAIL: [(u16, &str); 9] = [
    (22, "SSH"),
    (53, "DNS"),
    (80, "HTTP"),
    (110, "POP3"),
    (143, "IMAP"),
    (443, "HTTPS"),
    (993, "IMAP"),
    (995, "POP3"),
    (3306, "MySQL"),
];

/// A mail server, and how it is spoken to.
#[derive(Debug)]
pub(super) struct MailServer {
    builder: AsyncSmtpTransportBuilder,
    /// In words.
    pub(super) way: String,
}

/// Sends each e-mail by a task of its own, and tries again where the server says no.
#[derive(Clone, Debug)]
pub(crate) struct Smtp(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
    waiting: Arc<Semaphore>,
    sending: Semaphore,
    pauses: Vec<Duration>,
}

/// The mail server and the sender, where they are set.
///
/// # Errors
/// A [`ConfigError`] with what is wrong in each.
pub(super) fn read(
    settings: &config::mail::Mail,
) -> Result<(Option<MailServer>, Option<Mailbox>), ConfigError> {
    let mut faults = ConfigError::none();
    let server = settings.url.as_ref().map(|url| server(url.expose_secret()));
    let sender = settings.from.as_ref().map(|from| {
        from.parse::<Mailbox>().map_err(|_| {
            let fix = "write it like `Portcullis <no-reply@example.org>`";
            ConfigError::one("mail.from", "it is no sender", fix)
        })
    });
    let server = server.and_then(|server| faults.take(server));
    let sender = sender.and_then(|sender| faults.take(sender));
    faults.into_result((server, sender))
}

/// Reads the URL of a mail server. Beyond loopback TLS is required: a server that does not offer it
/// is sent nothing, neither a password nor an e-mail.
fn server(text: &str) -> Result<MailServer, ConfigError> {
    let fault = |wrong: String, fix: &str| Err(ConfigError::one("mail.url", wrong, fix));
    let unread = || {
        let fix = "write it like `smtps://USER:PASSWORD@HOST`";
        ConfigError::one("mail.url", "it is no mail server's address", fix)
    };
    let uri: Uri = text.parse().map_err(|_| unread())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(unread)?;
    let loopback = is_loopback(host);
    let tls = uri.query().unwrap_or_default().split('&').find_map(|one| one.strip_prefix("tls="));
    let (url, way, usual_port) = match (uri.scheme_str(), tls) {
        (Some("smtps"), _) => (text.to_owned(), "TLS from the start", 465),
        (Some("smtp"), Some("required")) => (text.to_owned(), "STARTTLS, which is required", 587),
        (Some("smtp"), None) if loopback => (text.to_owned(), "cleartext, on this machine", 25),
        (Some("smtp"), None) => {
            let joint = if uri.query().is_some() { '&' } else { '?' };
            (format!("{text}{joint}tls=required"), "STARTTLS, which is required", 587)
        }
        (Some("smtp"), Some("opportunistic")) if loopback => {
            (text.to_owned(), "STARTTLS where it is offered, on this machine", 587)
        }
        (Some("smtp"), Some(_)) => {
            return fault(
                "it would send passwords and e-mails in cleartext where TLS is not offered"
                    .to_owned(),
                "leave `tls=` out: STARTTLS is required then",
            );
        }
        _ => return Err(unread()),
    };
    let port = uri.port_u16().unwrap_or(usual_port);
    if let Some((port, service)) = NOT_FOR_MAIL.iter().find(|(other, _)| *other == port) {
        return fault(
            format!("port {port} is that of {service}, not of a mail server"),
            "write 465 after `smtps://`, or 587 after `smtp://`",
        );
    }
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).map_err(|_| unread())?;
    Ok(MailServer { builder, way: format!("{host}:{port} by {way}") })
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What sends e-mails, where the settings name a mail server.
///
/// # Errors
/// A [`ConfigError`] where the address of the mail server or the sender cannot be one.
pub(crate) fn smtp(settings: &config::mail::Mail) -> Result<Option<Smtp>, ConfigError> {
    let (Some(server), Some(sender)) = read(settings)? else { return Ok(None) };
    Ok(Some(Smtp::new(server, sender, PAUSES.to_vec())))
}

impl Smtp {
    fn new(server: MailServer, sender: Mailbox, pauses: Vec<Duration>) -> Self {
        Self(Arc::new(Shared {
            transport: server.builder.build(),
            sender,
            waiting: Arc::new(Semaphore::new(WAITING)),
            sending: Semaphore::new(AT_ONCE),
            pauses,
        }))
    }

    async fn deliver(&self, mail: &Mail) {
        for pause in self.0.pauses.iter().map(Some).chain([None]) {
            let Err(error) = self.attempt(mail).await else { return };
            let Some(pause) = pause else {
                tracing::error!(%error, subject = mail.subject, "an e-mail could not be sent, and is given up");
                return;
            };
            tracing::warn!(%error, subject = mail.subject, "an e-mail could not be sent: next attempt in {pause:?}");
            tokio::time::sleep(*pause).await;
        }
    }

    async fn attempt(&self, mail: &Mail) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let message = Message::builder()
            .from(self.0.sender.clone())
            .to(mail.to.parse()?)
            .subject(&mail.subject)
            .body(mail.text.clone())?;
        let _turn = self.0.sending.acquire().await?;
        self.0.transport.send(message).await?;
        Ok(())
    }
}

impl Mailer for Smtp {
    fn send(&self, mail: Mail) {
        let Ok(place) = Arc::clone(&self.0.waiting).try_acquire_owned() else {
            tracing::error!("an e-mail was dropped: too many are waiting to be sent");
            return;
        };
        let smtp = self.clone();
        tokio::spawn(async move {
            smtp.deliver(&mail).await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests;
