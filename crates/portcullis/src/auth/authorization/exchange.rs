//! A code for tokens: once, within a minute, by the client, the redirect URI and the verifier that it was made for.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::codes::Code;
use super::sql;
use crate::auth::audit::Action;
use crate::auth::db::Digest;
use crate::auth::openid::NewIdToken;
use crate::auth::sessions::{self, Session};
use crate::auth::tokens::{self, NewToken};
use crate::auth::write::Write;
use crate::auth::{Auth, Caller, Client, GrantType, Issued, later};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret};
use crate::problem::Problem;
use crate::types::{SessionId, Subject};

/// Tokens for a code.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchanged {
    /// The access token, and the refresh token where the client may have one.
    pub issued: Issued,
    /// Who signed in, where `openid` was asked for.
    pub id_token: Option<Secret<String>>,
}

/// Why a code yields nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodeRefused {
    /// Unknown, over, used before, of another client, for another redirect URI, or the verifier does not fit:
    /// nobody is told which.
    Invalid,
    /// The client was not registered for codes.
    Grant,
    /// The database is away, or a fault of ours.
    Other(Problem),
}

impl<E: Into<Problem>> From<E> for CodeRefused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// A code that a client shows.
struct Shown {
    digest: Digest,
    client: Client,
    redirect_uri: String,
    verifier: String,
    refresh: OpaqueToken,
    caller: Caller,
}

impl Auth {
    /// Exchanges a code. Shown a second time by its client, it ends the session that it gave, with all its tokens.
    ///
    /// # Errors
    /// [`CodeRefused`].
    pub async fn exchange_code(
        &self,
        caller: Caller,
        client: &Client,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Exchanged, CodeRefused> {
        if !client.settings.grant_types.contains(&GrantType::AuthorizationCode) {
            return Err(CodeRefused::Grant);
        }
        let Ok((OpaqueKind::Code, digest)) = OpaqueToken::parse(code) else {
            return Err(CodeRefused::Invalid);
        };
        // A stranger's guess does not take the writer's turn.
        if sql::code(&self.0.db, &digest).await?.is_none_or(|code| code.client != client.id) {
            return Err(CodeRefused::Invalid);
        }
        let refresh =
            OpaqueToken::mint(&self.0.sources, OpaqueKind::Refresh).map_err(Problem::internal)?;
        let actor = caller.actor().of_client(&client.id, &client.name);
        let shown = Shown {
            digest,
            client: client.clone(),
            redirect_uri: redirect_uri.to_owned(),
            verifier: verifier.to_owned(),
            refresh: refresh.clone(),
            caller,
        };
        let made =
            self.write(&actor, |write| Box::pin(async move { exchange(write, shown).await }));
        let Some(Made { prepared, access, code, session }) = made.await? else {
            return Err(CodeRefused::Invalid);
        };
        let refreshes = client.settings.grant_types.contains(&GrantType::RefreshToken);
        let issued = self.issue(prepared, &access, Some(&refresh).filter(|_| refreshes))?;
        let wants_identity = code.scopes.limit().is_some_and(|scopes| scopes.contains("openid"));
        let id_token = if wants_identity {
            Some(self.id_token(&NewIdToken {
                user: session.user,
                client: &client.id,
                session: code.session,
                authenticated_at: session.created_at,
                second_factor: session.second_factor,
                nonce: code.nonce.as_deref(),
                access: issued.access.expose(),
            })?)
        } else {
            None
        };
        Ok(Exchanged { issued, id_token })
    }
}

struct Made {
    prepared: tokens::Prepared,
    access: std::sync::Arc<crate::types::Access>,
    code: Code,
    session: Session,
}

async fn exchange(write: &mut Write, shown: Shown) -> Result<Option<Made>, Problem> {
    let auth = write.auth().clone();
    let now = write.now;
    let Some(code) = sql::code(write.db(), &shown.digest).await? else { return Ok(None) };
    if code.client != shown.client.id {
        return Ok(None);
    }
    if let Some(given) = code.used_for {
        end_reused(write, given).await?;
        return Ok(None);
    }
    let fits = code.redirect_uri == shown.redirect_uri && fits(&code.challenge, &shown.verifier);
    if !fits || now >= code.expires_at {
        return Ok(None);
    }
    let parent = sessions::sql::session(write.db(), code.session).await?;
    let Some(parent) = parent.filter(|parent| parent.is_live(now)) else { return Ok(None) };
    let subject = Subject::User(parent.user);
    let access = write.access_of(&subject).await?;
    let Some(access) = access.filter(|access| access.active) else { return Ok(None) };
    let client = write.access_of(&Subject::Client(code.client.clone())).await?;
    if !client.is_some_and(|client| client.active) {
        return Ok(None);
    }
    let settings = &auth.0.settings;
    let longest = later(now, settings.session_ttl);
    let expires_at = if code.offline { longest } else { longest.min(parent.expires_at) };
    let session = Session {
        id: SessionId(auth.0.sources.uuid().map_err(Problem::internal)?),
        user: parent.user,
        client: code.client.clone(),
        created_at: parent.created_at,
        last_used_at: now,
        idle_expires_at: later(now, settings.idle_ttl).min(expires_at),
        expires_at,
        ended_at: None,
        second_factor: parent.second_factor,
        address: shown.caller.address.map(|address| address.to_string()),
        agent: shown.caller.agent.map(|agent| agent.chars().take(200).collect()),
        parent: (!code.offline).then_some(parent.id),
    };
    let target = write.target(&subject).await?;
    sessions::keep(write, &session, None, &code.scopes, (target, "code")).await?;
    if shown.client.settings.grant_types.contains(&GrantType::RefreshToken) {
        tokens::sql::insert_refresh(write.db(), &shown.refresh.digest(), session.id).await?;
    }
    sql::use_up(write.db(), &shown.digest, session.id).await?;
    let new = NewToken::of_session(&session, code.scopes.clone());
    let prepared = tokens::prepare(write, new, None).await?;
    Ok(Some(Made { prepared, access: access.access, code, session }))
}

/// Ends what a code gave that was shown again: somebody has a copy of it.
async fn end_reused(write: &mut Write, given: SessionId) -> Result<(), Problem> {
    let now = write.now;
    let Some(session) = sessions::sql::session(write.db(), given).await? else { return Ok(()) };
    if session.ended_at.is_some() {
        return Ok(());
    }
    sessions::sql::end(write.db(), given, now).await?;
    write.forget_sessions(&[given]);
    tracing::warn!(session = %given, "an authorization code was used again: what it gave is ended");
    let target = write.target(&Subject::User(session.user)).await?;
    let event = write.event(Action::CodeReused).on(target).failed();
    write.note(event.detail("session", &given.to_string()));
    Ok(())
}

/// Whether the verifier is the one of the challenge (RFC 7636 §4.6).
fn fits(challenge: &str, verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return false;
    }
    let hashed = digest::digest(&digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(hashed).as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_verifier_fits_as_rfc_7636_shows() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(fits(challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        for wrong in ["", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX", challenge, &"a".repeat(129)]
        {
            assert!(!fits(challenge, wrong), "{wrong}");
        }
    }
}
