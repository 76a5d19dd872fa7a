//! Letters to users, over SMTP.

use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use portcullis::auth::{Mail, Mailer};
use portcullis::problem::ConfigError;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

use crate::config;

/// How many letters may wait to be sent.
const WAITING: usize = 1000;

/// Hands letters to a task that sends them one after the other.
#[derive(Debug)]
pub(crate) struct Smtp {
    letters: mpsc::Sender<Mail>,
}

/// The mail server and the sender, where they are set.
///
/// # Errors
/// A [`ConfigError`] with what is wrong in each.
pub(super) fn read(
    settings: &config::mail::Mail,
) -> Result<(Option<AsyncSmtpTransportBuilder>, Option<Mailbox>), ConfigError> {
    let mut faults = ConfigError::none();
    let fault = |setting: &str, wrong: &str, fix: &str| ConfigError::one(setting, wrong, fix);
    let server = settings.url.as_ref().map(|url| {
        AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret()).map_err(|_| {
            let fix = "write it like `smtps://USER:PASSWORD@HOST`";
            fault("mail.url", "it is no mail server's address", fix)
        })
    });
    let sender = settings.from.as_ref().map(|from| {
        from.parse::<Mailbox>().map_err(|_| {
            let fix = "write it like `Portcullis <no-reply@example.org>`";
            fault("mail.from", "it is no sender", fix)
        })
    });
    let server = server.and_then(|server| faults.take(server));
    let sender = sender.and_then(|sender| faults.take(sender));
    faults.into_result((server, sender))
}

/// What sends letters, where the settings name a mail server.
///
/// # Errors
/// A [`ConfigError`] where the address of the mail server or the sender cannot be one.
pub(crate) fn smtp(settings: &config::mail::Mail) -> Result<Option<Smtp>, ConfigError> {
    let (Some(server), Some(sender)) = read(settings)? else { return Ok(None) };
    let transport = server.build();
    let (letters, mut waiting) = mpsc::channel::<Mail>(WAITING);
    tokio::spawn(async move {
        while let Some(mail) = waiting.recv().await {
            if let Err(error) = send(&transport, &sender, &mail).await {
                tracing::error!(%error, subject = mail.subject, "a letter could not be sent");
            }
        }
    });
    Ok(Some(Smtp { letters }))
}

async fn send(
    transport: &AsyncSmtpTransport<Tokio1Executor>,
    sender: &Mailbox,
    mail: &Mail,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let message = Message::builder()
        .from(sender.clone())
        .to(mail.to.parse()?)
        .subject(&mail.subject)
        .body(mail.text.clone())?;
    transport.send(message).await?;
    Ok(())
}

impl Mailer for Smtp {
    fn send(&self, mail: Mail) {
        if self.letters.try_send(mail).is_err() {
            tracing::error!("a letter was dropped: too many are waiting to be sent");
        }
    }
}
