//! May they, and why? For administrators; nothing is performed, and nothing is answered from
//! memory that the store does not say.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::auth::Auth;
use crate::policy::{Provenance, Reasons, Requirement};
use crate::problem::Problem;
use crate::types::{Context, PathParts, Principal, Scope, Scopes, Subject, Timestamp};

/// The circumstances a question supposes. What is left out is not known, the moment apart.
#[derive(Clone, Debug, Default)]
pub struct Supposed {
    /// The moment. Now where it is left out.
    pub at: Option<Timestamp>,
    /// Where the request would come from.
    pub address: Option<IpAddr>,
    /// The country, two capital letters.
    pub country: Option<[u8; 2]>,
    /// When the subject last proved who they are.
    pub authenticated_at: Option<Timestamp>,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// The scopes the credential is limited to. All where it is left out.
    pub scopes: Option<BTreeSet<Scope>>,
    /// The method of the request.
    pub method: Option<http::Method>,
    /// The route's path as declared.
    pub route: Option<Arc<str>>,
    /// The parts of the path, by name, decoded: they name the places.
    pub parts: PathParts,
}

/// Whether a subject may do something, and why. Displays as lines for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// Who was asked about.
    pub subject: Subject,
    /// The username, or the client's name; empty for a guest.
    pub name: String,
    /// Whether the subject may sign in at all.
    pub active: bool,
    /// Whether anyone may, so that it does not matter who asks.
    pub open: bool,
    /// What speaks for and against.
    pub reasons: Reasons,
}

impl Why {
    /// Whether they may, for certain: not where it hangs on who the owner is.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        self.reasons.is_permitted() && (self.active || self.open)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::User(id) => writeln!(f, "user {} ({id})", self.name)?,
            subject => writeln!(f, "{subject}")?,
        }
        if !self.active && !self.open {
            writeln!(f, "inactive: refused everywhere (401). Were it active:")?;
        }
        write!(f, "{}", self.reasons)
    }
}

impl Auth {
    /// Says whether this subject would meet a requirement under these circumstances, and why.
    /// `None` where there is no such subject.
    ///
    /// # Errors
    /// 503.
    pub async fn why(
        &self,
        subject: &Subject,
        what: &Requirement,
        supposed: &Supposed,
    ) -> Result<Option<Why>, Problem> {
        let (mut who, active, provenance) = if *subject == Subject::Guest {
            (Principal::guest(), true, Provenance::default())
        } else {
            let traced = self.0.cache.traced(&self.0.db, subject).await?;
            let Some((known, provenance)) = traced else { return Ok(None) };
            let mut who = Principal::new(subject.clone(), known.name);
            who.access = known.access;
            (who, known.active, provenance)
        };
        who.authenticated_at = supposed.authenticated_at;
        who.second_factor = supposed.second_factor;
        if let Some(scopes) = &supposed.scopes {
            who.scopes = Scopes::Only(Arc::new(scopes.clone()));
        }
        who.context = Context {
            method: supposed.method.clone(),
            route: supposed.route.clone(),
            parts: supposed.parts.clone(),
            address: supposed.address.map(|address| address.to_canonical()),
            country: supposed.country,
            now: supposed.at.unwrap_or_else(|| self.now()),
            ..Context::default()
        };
        Ok(Some(Why {
            subject: subject.clone(),
            name: who.name.to_string(),
            active,
            open: what.is_public(),
            reasons: what.explain_from(&who, &provenance),
        }))
    }
}
