//! Signing out at the wish of a client (OpenID Connect RP-Initiated Logout 1.0).

use url::form_urlencoded;

use crate::auth::{Actor, Auth, clients, sessions};
use crate::problem::Problem;
use crate::types::{ClientId, Principal};

/// What a client asks with.
#[derive(Clone, Debug, Default)]
pub struct LogoutRequest {
    /// An ID token that the client got: it says whose sign-in is meant, and which client asks.
    pub id_token_hint: Option<String>,
    /// Where the person goes then. It must be registered.
    pub post_logout_redirect_uri: Option<String>,
    /// Goes there with them.
    pub state: Option<String>,
    /// Which client asks, where it has no ID token.
    pub client_id: Option<String>,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// The person must say so themselves: nobody but them can know that they want it.
    Ask,
    /// Nobody is signed in any more in this browser. The person goes there, or stays.
    Out(Option<String>),
}

impl Auth {
    /// Ends the sign-in of this browser where its own client asks for it, or where the person has said yes
    /// (`confirmed`). With it end the sessions at clients that hang on it.
    ///
    /// A redirect that is not registered leads nowhere: the person stays.
    ///
    /// # Errors
    /// 503.
    pub async fn end_sign_in(
        &self,
        who: Option<&Principal>,
        request: &LogoutRequest,
        confirmed: bool,
    ) -> Result<LogoutOutcome, Problem> {
        let hint = request.id_token_hint.as_deref().and_then(|hint| self.read_hint(hint));
        let client = match (&hint, &request.client_id) {
            // Two that differ are nobody's wish.
            (Some(hint), Some(id)) if *hint.client.0 != **id => None,
            (Some(hint), _) => Some(hint.client.clone()),
            (None, Some(id)) => Some(ClientId::from(&**id)),
            (None, None) => None,
        };
        if let Some((who, session)) = who.and_then(|who| Some((who, who.session?))) {
            let meant = hint.as_ref().is_some_and(|hint| hint.session == session);
            if !meant && !confirmed {
                return Ok(LogoutOutcome::Ask);
            }
            let Some(user) = who.user() else { return Ok(LogoutOutcome::Ask) };
            let actor = Actor::of(who);
            self.write(&actor, move |write| {
                Box::pin(async move { sessions::end(write, user, session).await })
            })
            .await?;
        }
        let Some(uri) = &request.post_logout_redirect_uri else {
            return Ok(LogoutOutcome::Out(None));
        };
        let client = match client {
            Some(id) => clients::sql::client(&self.0.db, &id).await?,
            None => None,
        };
        let registered = client.filter(|client| client.active).is_some_and(|client| {
            client.settings.post_logout_redirect_uris.iter().any(|known| known.matches(uri))
        });
        if !registered {
            return Ok(LogoutOutcome::Out(None));
        }
        let mut target = uri.clone();
        if let Some(state) = &request.state {
            target.push(if uri.contains('?') { '&' } else { '?' });
            let encoded = form_urlencoded::Serializer::new(String::new());
            target.push_str(&{ encoded }.append_pair("state", state).finish());
        }
        Ok(LogoutOutcome::Out(Some(target)))
    }
}
