//! What can be done with invitations. Each needs `users:manage`; one with roles needs `roles:manage` besides.

use std::collections::BTreeSet;

use super::{INVITATIONS, Invitation, InvitationRequest, LONGEST_TTL, USUAL_TTL, sql};
use crate::auth::audit::{Action, AuditTarget};
use crate::auth::db::Digest;
use crate::auth::mail::Mail;
use crate::auth::throttle::EmailKind;
use crate::auth::write::Write;
use crate::auth::{Actor, Auth, later};
use crate::crypto::{OpaqueKind, OpaqueToken, Secret};
use crate::policy::{Requirement, permission};
use crate::problem::{Problem, ProblemKind};
use crate::types::{InvitationId, Page, PageRequest, Principal, Role, Timestamp};

impl Auth {
    /// Invites somebody to register. The token is returned once; where the request names an address,
    /// the token is in the e-mail that goes there, and nowhere else.
    ///
    /// # Errors
    /// 403; a 422 that points at each fault, also where no e-mail could be sent; 404 where a role is
    /// not there; 409 where [`INVITATIONS`] are open; 503.
    pub async fn invite(
        &self,
        actor: &Actor,
        request: InvitationRequest,
    ) -> Result<(Invitation, Option<Secret<String>>), Problem> {
        if request.email.is_some() && self.0.mailer.is_none() {
            return Err(Problem::invalid(
                "/email",
                "No e-mails are sent here: hand the token over yourself.",
            ));
        }
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(authority(&request.roles))?;
                let now = write.now;
                let expires_at = moment(now, request.expires_at)?;
                for role in &request.roles {
                    write.auth().role(role)?;
                }
                if sql::count(write.db(), now).await? >= INVITATIONS {
                    return Err(Problem::new(ProblemKind::Conflict).detail(format!(
                        "{INVITATIONS} invitations are open already: withdraw some."
                    )));
                }
                let sources = write.auth().sources().clone();
                let token = OpaqueToken::mint(&sources, OpaqueKind::Invitation)
                    .map_err(Problem::internal)?;
                let invitation = Invitation {
                    id: InvitationId(sources.uuid().map_err(Problem::internal)?),
                    email: request.email,
                    roles: request.roles,
                    invited_by: write.judged().map(|who| who.subject.clone()),
                    created_at: now,
                    expires_at,
                };
                sql::insert(write.db(), &invitation, &token.digest()).await?;
                let event = write.event(Action::InvitationMade).on(target(&invitation));
                write.note(event.names("roles", &invitation.roles));
                let token = Secret::new(token.expose().to_owned());
                Ok(match &invitation.email {
                    None => (invitation, Some(token)),
                    Some(email) => {
                        let mail = e_mail(email.clone(), token.expose(), expires_at);
                        write.send(EmailKind::Verification, mail);
                        (invitation, None)
                    }
                })
            })
        })
        .await
    }

    /// A page of the open invitations, oldest first.
    ///
    /// # Errors
    /// A 422 where the cursor is not one; 503.
    pub async fn invitations(&self, page: &PageRequest) -> Result<Page<Invitation>, Problem> {
        Ok(sql::page(&self.0.db, page, self.now()).await?)
    }

    /// Withdraws an invitation: its token is void.
    ///
    /// # Errors
    /// 403; 404; 503.
    pub async fn withdraw_invitation(
        &self,
        actor: &Actor,
        id: InvitationId,
    ) -> Result<(), Problem> {
        self.write(actor, move |write| {
            Box::pin(async move {
                write.require(permission("users:manage"))?;
                if !sql::delete(write.db(), id).await? {
                    return Err(ProblemKind::NotFound.into());
                }
                let event = write.event(Action::InvitationWithdrawn);
                write.note(event.on(AuditTarget::new("invitation", id, "")));
                Ok(())
            })
        })
        .await
    }
}

/// What somebody must hold to invite others to these roles.
fn authority(roles: &BTreeSet<Role>) -> Requirement {
    let users = permission("users:manage");
    if roles.is_empty() { users } else { users & permission("roles:manage") }
}

fn moment(now: Timestamp, asked: Option<Timestamp>) -> Result<Timestamp, Problem> {
    let (usual, longest) = (later(now, USUAL_TTL), later(now, LONGEST_TTL));
    match asked {
        Some(at) if at <= now || at > longest => Err(Problem::invalid(
            "/expires_at",
            format!("It must lie in the future, at {longest} at the latest."),
        )),
        asked => Ok(asked.unwrap_or(usual)),
    }
}

/// The open invitation of a token. Whether its inviter still may, [`redeem`] judges.
///
/// # Errors
/// A 422 where it is void; 503.
pub(in crate::auth) async fn find(auth: &Auth, token: &str) -> Result<Invitation, Problem> {
    let digest = digest(token)?;
    sql::invitation(&auth.0.db, &digest, auth.now()).await?.ok_or_else(void)
}

/// Uses an invitation up, and returns it.
///
/// # Errors
/// A 422 where it is void, or its inviter may no longer invite; 503.
pub(in crate::auth) async fn redeem(write: &mut Write, token: &str) -> Result<Invitation, Problem> {
    let (digest, now) = (digest(token)?, write.now);
    let found = sql::invitation(write.db(), &digest, now).await?.ok_or_else(void)?;
    if let Some(inviter) = &found.invited_by {
        let access = write.access_of(inviter).await?.filter(|access| access.active);
        let access = access.ok_or_else(void)?;
        let mut who = Principal::new(inviter.clone(), access.name.clone());
        who.access = access.access;
        who.must(authority(&found.roles)).map_err(|_| void())?;
    }
    if !sql::delete(write.db(), found.id).await? {
        return Err(void());
    }
    Ok(found)
}

fn digest(token: &str) -> Result<Digest, Problem> {
    match OpaqueToken::parse(token) {
        Ok((OpaqueKind::Invitation, digest)) => Ok(digest),
        _ => Err(void()),
    }
}

/// The same words whether it is wrong, used, withdrawn or too old.
fn void() -> Problem {
    Problem::invalid("/invitation", "It is not valid, or no longer. Ask for a new one.")
}

fn target(invitation: &Invitation) -> AuditTarget {
    AuditTarget::new("invitation", invitation.id, invitation.email.clone().unwrap_or_default())
}

fn e_mail(to: String, token: &str, until: Timestamp) -> Mail {
    Mail {
        to,
        subject: "You are invited".to_owned(),
        text: format!(
            "You are invited to make an account on this server. Register at POST /auth/register \
             with a username, a password and this invitation, which is good once and until \
             {until}:\n\n{token}\n\nIf you do not know why, nothing needs doing."
        ),
    }
}
