//! `/userinfo` and `/.well-known/openid-configuration` (OpenID Connect Core §5.3, Discovery §4).

use axum::extract::State;

use super::metadata::{Cached, ServerMetadata, read_server_metadata};
use crate::auth::{Auth, UserInfo};
use crate::extract::{Json, NoStore};
use crate::gate::Gate;
use crate::policy::{authenticated, public};
use crate::problem::{Challenge, Problem, ProblemKind};
use crate::router::Routes;
use crate::types::Principal;

/// `GET` and `POST /userinfo`, by access tokens alone, and the discovery document. The gate's scheme for tokens is
/// named `bearer`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes()
        .tag("auth")
        .accepts(&["bearer"])
        .get("/userinfo", authenticated(), read_user_info)
        .accepts(&["bearer"])
        .post("/userinfo", authenticated(), read_user_info_by_post)
        .get(
            "/.well-known/openid-configuration",
            public("what this provider can do"),
            read_provider_metadata,
        )
}

async fn read_provider_metadata(state: State<Auth>) -> Cached<ServerMetadata> {
    read_server_metadata(state).await
}

async fn read_user_info(
    State(auth): State<Auth>,
    who: Principal,
) -> Result<NoStore<Json<UserInfo>>, Problem> {
    let told = auth.user_info(&who).await;
    let told = told.map_err(|problem| match problem.kind() {
        ProblemKind::Forbidden => problem.challenge(
            Challenge::new("Bearer")
                .with("realm", "portcullis")
                .with("error", "insufficient_scope")
                .with("scope", "openid"),
        ),
        _ => problem,
    })?;
    Ok(NoStore(Json(told)))
}

async fn read_user_info_by_post(
    state: State<Auth>,
    who: Principal,
) -> Result<NoStore<Json<UserInfo>>, Problem> {
    read_user_info(state, who).await
}
