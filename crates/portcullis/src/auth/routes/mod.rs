//! The ready-made endpoints, mounted like routes of your own: a `table` for each family.
//!
//! ```text
//! gate.routes().merge(routes::session::table(&gate, &cookie)).merge(routes::users::table(&gate))
//! ```

mod arguments;
mod lists;

pub use super::access::routes::{
    GrantAnswer, PlacedRolesAnswer, RoleAnswer, evaluation, grants, roles,
};
pub use super::accounts::routes::{UserAnswer, me, registration as accounts, users};
pub use super::api_keys::routes as api_keys;
pub use super::api_keys::routes::ApiKeyAnswer;
pub use super::audit::routes as audit;
pub use super::audit::routes::AuditAnswer;
pub use super::clients::routes as clients;
pub use super::clients::routes::ClientAnswer;
pub use super::invitations::routes as invitations;
pub use super::invitations::routes::InvitationAnswer;
pub use super::oauth::routes as oauth;
#[cfg(feature = "oauth-server")]
pub use super::oauth::routes::openid;
pub use super::oauth::routes::sign_in as session;
pub use super::sessions::routes::SessionAnswer;
pub use arguments::CallerInfo;
pub use arguments::CurrentUser;
pub(in crate::auth) use arguments::{CurrentActor, RequestHead};
pub use lists::List;
pub(in crate::auth) use lists::{ListQuery, default_limit};
