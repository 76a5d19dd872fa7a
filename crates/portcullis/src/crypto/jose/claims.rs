//! What a token says: the claims of RFC 7519 and RFC 9068, typed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::jwt::TokenFault;
use super::{KeyError, SigningKey, sign_jws};
use crate::types::{ClientId, Scope, SessionId, Timestamp, TokenId, UserId};

/// What a verified token says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claims {
    /// Who made it (`iss`).
    pub issuer: String,
    /// Whom it is for (`aud`).
    pub audience: Vec<String>,
    /// Whom it speaks of (`sub`).
    pub subject: String,
    /// When it ends (`exp`).
    pub expires_at: Timestamp,
    /// When it begins (`nbf`).
    pub not_before: Option<Timestamp>,
    /// When it was made (`iat`).
    pub issued_at: Option<Timestamp>,
    /// Its own id (`jti`).
    pub id: Option<String>,
    /// The client it was made for (`client_id`).
    pub client: Option<ClientId>,
    /// The session it belongs to (`sid`).
    pub session: Option<String>,
    /// What it is limited to (`scope`); `None` where it does not say.
    pub scopes: Option<BTreeSet<Scope>>,
    /// Whether `scope` limits nothing (`all_scopes`): meant in tokens of our own alone.
    pub all_scopes: bool,
    /// When the user proved who they are (`auth_time`).
    pub authenticated_at: Option<Timestamp>,
    /// How they did (`amr`).
    pub methods: Vec<String>,
    /// Every other claim.
    pub extra: Map<String, Value>,
}

impl Claims {
    /// The subject as a user of ours.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.subject.parse().ok()
    }

    /// `jti` as a token of ours.
    #[must_use]
    pub fn token_id(&self) -> Option<TokenId> {
        self.id.as_deref()?.parse().ok()
    }

    /// `sid` as a session of ours.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.session.as_deref()?.parse().ok()
    }

    /// Reads claims, each of its type or not at all. Whether they hold is for the verifier.
    pub(super) fn read(mut claims: Map<String, Value>) -> Result<Self, TokenFault> {
        let mut taken = Taken(&mut claims);
        Ok(Self {
            issuer: taken.text("iss")?.ok_or(TokenFault::Missing("iss"))?,
            audience: taken.texts("aud", true)?.ok_or(TokenFault::Missing("aud"))?,
            subject: taken.text("sub")?.ok_or(TokenFault::Missing("sub"))?,
            expires_at: taken.date("exp")?.ok_or(TokenFault::Missing("exp"))?,
            not_before: taken.date("nbf")?,
            issued_at: taken.date("iat")?,
            id: taken.text("jti")?,
            client: taken.text("client_id")?.map(|id| ClientId(id.into())),
            session: taken.text("sid")?,
            scopes: taken.scopes()?,
            all_scopes: taken.flag("all_scopes")?,
            authenticated_at: taken.date("auth_time")?,
            methods: taken.texts("amr", false)?.unwrap_or_default(),
            extra: claims,
        })
    }
}

/// Takes claims out of an object one by one.
struct Taken<'a>(&'a mut Map<String, Value>);

impl Taken<'_> {
    /// A text that is not empty.
    fn text(&mut self, name: &'static str) -> Result<Option<String>, TokenFault> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(TokenFault::WrongClaim(name)),
        }
    }

    /// True or false; false where it is not there.
    fn flag(&mut self, name: &'static str) -> Result<bool, TokenFault> {
        match self.0.remove(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(TokenFault::WrongClaim(name)),
        }
    }

    /// Several texts, or where `one_will_do` a single one.
    fn texts(
        &mut self,
        name: &'static str,
        one_will_do: bool,
    ) -> Result<Option<Vec<String>>, TokenFault> {
        let fault = TokenFault::WrongClaim(name);
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if one_will_do => Ok(Some(vec![text])),
            Some(Value::Array(items)) => {
                let texts = items.into_iter().map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(fault),
                });
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(fault),
        }
    }

    /// A NumericDate (RFC 7519 §2): seconds since 1970, perhaps with a fraction, until the year
    /// 9999.
    fn date(&mut self, name: &'static str) -> Result<Option<Timestamp>, TokenFault> {
        let fault = TokenFault::WrongClaim(name);
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        let Value::Number(number) = value else { return Err(fault) };
        if let Some(seconds) = number.as_u64() {
            let seconds = i64::try_from(seconds).map_err(|_| fault)?;
            return Timestamp::from_second(seconds).map(Some).map_err(|_| fault);
        }
        let seconds = number.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(fault)?;
        let whole = jiff::SignedDuration::try_from_secs_f64(seconds).map_err(|_| fault)?;
        Timestamp::from_duration(whole).map(Some).map_err(|_| fault)
    }

    /// `scope`: words with one space between (RFC 8693 §4.2).
    fn scopes(&mut self) -> Result<Option<BTreeSet<Scope>>, TokenFault> {
        let fault = TokenFault::WrongClaim("scope");
        match self.0.remove("scope") {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(BTreeSet::new())),
            Some(Value::String(text)) => {
                let scopes = text.split(' ').map(|word| Scope::parse(word).map_err(|_| fault));
                scopes.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(fault),
        }
    }
}

/// An access token to be made, as RFC 9068 has it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessClaims {
    /// Who makes it (`iss`).
    pub issuer: String,
    /// Whom it is for (`aud`).
    pub audience: Vec<String>,
    /// Whom it speaks of (`sub`): a user's id, or the client's where it speaks for itself.
    pub subject: String,
    /// For which client it is (`client_id`).
    pub client: ClientId,
    /// Its own id (`jti`).
    pub id: TokenId,
    /// The session it belongs to (`sid`).
    pub session: Option<SessionId>,
    /// What it may be used for (`scope`).
    pub scopes: BTreeSet<Scope>,
    /// Whether its user may do all they may do by it, and `scope` only says what that was when it
    /// was made (`all_scopes`, a claim of ours).
    pub all_scopes: bool,
    /// From when on it counts (`iat`, `nbf`), in whole seconds.
    pub issued_at: Timestamp,
    /// When it ends (`exp`), in whole seconds.
    pub expires_at: Timestamp,
    /// When the user proved who they are (`auth_time`), in whole seconds.
    pub authenticated_at: Option<Timestamp>,
    /// How they did (`amr`, RFC 8176), such as `pwd` and `otp`.
    pub methods: Vec<String>,
}

impl AccessClaims {
    /// What such a token calls itself (`typ`).
    pub const KIND: &'static str = "at+jwt";

    /// Signs it.
    ///
    /// `jti` and `sid` are written in their short form ([`TokenId::to_claim`]);
    /// [`Claims::token_id`] and [`Claims::session_id`] read them back.
    ///
    /// # Errors
    /// [`KeyError::Failed`] where the library fails.
    pub fn sign(&self, key: &SigningKey) -> Result<String, KeyError> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum OneOrMore<'a> {
            One(&'a str),
            More(&'a [String]),
        }
        #[derive(Serialize)]
        struct Written<'a> {
            iss: &'a str,
            aud: OneOrMore<'a>,
            sub: &'a str,
            client_id: &'a str,
            iat: i64,
            nbf: i64,
            exp: i64,
            jti: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            sid: Option<String>,
            scope: String,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            all_scopes: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            auth_time: Option<i64>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            amr: &'a [String],
        }
        let scopes: Vec<&str> = self.scopes.iter().map(Scope::as_str).collect();
        let written = Written {
            iss: &self.issuer,
            aud: match self.audience.as_slice() {
                [one] => OneOrMore::One(one),
                more => OneOrMore::More(more),
            },
            sub: &self.subject,
            client_id: &self.client.0,
            iat: self.issued_at.as_second(),
            nbf: self.issued_at.as_second(),
            exp: self.expires_at.as_second(),
            jti: self.id.to_claim(),
            sid: self.session.map(SessionId::to_claim),
            scope: scopes.join(" "),
            all_scopes: self.all_scopes,
            auth_time: self.authenticated_at.map(Timestamp::as_second),
            amr: &self.methods,
        };
        let written = serde_json::to_vec(&written).map_err(|_| KeyError::Failed)?;
        sign_jws(key, Self::KIND, &written)
    }
}
