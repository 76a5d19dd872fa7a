//! `/invitations`: who may register where registration needs an invitation.

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Invitation, InvitationRequest};
use crate::auth::Auth;
use crate::auth::routes::{CurrentActor, List, ListQuery};
use crate::extract::{Created, Json, NoContent, NoStore, Path, Query};
use crate::gate::Gate;
use crate::policy::{Requirement, permission};
use crate::problem::Problem;
use crate::router::Routes;
use crate::types::{InvitationId, Role, Timestamp};

fn manages_users() -> Requirement {
    permission("users:manage")
}

/// The routes under `/invitations`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("users")
        .get("/invitations", manages_users(), list_invitations)
        .describe(
            "The token is in this answer and in no other; where `email` is given, in the e-mail \
             that goes there and nowhere else. Roles need `roles:manage` besides.",
        )
        .post("/invitations", manages_users(), create_invitation)
        .delete("/invitations/{id}", manages_users(), delete_invitation)
}

/// An invitation to be made.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    /// The address to send it to. It becomes the account's, as verified.
    #[garde(email, length(chars, max = 254))]
    #[serde(default)]
    email: Option<String>,
    /// The roles that the account has from the start.
    #[garde(length(max = 100))]
    #[serde(default)]
    roles: Vec<String>,
    /// When it ends (RFC 3339), in 30 days at the latest; in seven days where it is left out.
    #[garde(skip)]
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
}

/// An open invitation, without its token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
pub struct InvitationAnswer {
    /// Which invitation.
    pub id: InvitationId,
    /// The address that its e-mail went to.
    pub email: Option<String>,
    /// The roles that the account has from the start.
    pub roles: BTreeSet<Role>,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// When it ends (RFC 3339).
    pub expires_at: String,
}

impl From<Invitation> for InvitationAnswer {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            roles: invitation.roles,
            created_at: invitation.created_at.to_string(),
            expires_at: invitation.expires_at.to_string(),
        }
    }
}

/// An invitation that was just made.
#[derive(Serialize, JsonSchema)]
struct MadeInvitation {
    /// The token, shown this once: `pc_inv_` and 49 characters. Null where an e-mail brings it.
    token: Option<String>,
    #[serde(flatten)]
    about: InvitationAnswer,
}

async fn list_invitations(
    State(auth): State<Auth>,
    Query(wanted): Query<ListQuery>,
) -> Result<Json<List<InvitationAnswer>>, Problem> {
    Ok(Json(List::of(auth.invitations(&wanted.into()).await?)))
}

async fn create_invitation(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Json(new): Json<NewInvitation>,
) -> Result<NoStore<Created<MadeInvitation>>, Problem> {
    let request = InvitationRequest {
        email: new.email,
        roles: new.roles.into_iter().map(Role::from).collect(),
        expires_at: new.expires_at,
    };
    let (invitation, token) = auth.invite(&actor, request).await?;
    let token = token.map(|token| token.expose().clone());
    Ok(NoStore(Created(MadeInvitation { token, about: invitation.into() })))
}

async fn delete_invitation(
    State(auth): State<Auth>,
    CurrentActor(actor): CurrentActor,
    Path(id): Path<InvitationId>,
) -> Result<NoContent, Problem> {
    auth.withdraw_invitation(&actor, id).await?;
    Ok(NoContent)
}
