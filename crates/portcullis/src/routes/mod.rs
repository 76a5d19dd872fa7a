//! 5, yes: ready-made endpoints, one file a family, a `table` in each.
//!
//! Each is mounted like routes of your own:
//!
//! ```text
//! gate.routes().merge(routes::session::table(&gate, &settings)).merge(routes::users::table(&gate))
//! ```

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod clients;
pub mod evaluation;
pub mod grants;
pub mod me;
pub mod oauth;
pub mod roles;
pub mod session;
pub mod users;

mod origin;
mod shapes;

pub use api_keys::ApiKeyAnswer;
pub use audit::AuditAnswer;
pub use shapes::{ClientAnswer, GrantAnswer, List, RoleAnswer, SessionAnswer, UserAnswer};

use crate::policy::permission;
use crate::problem::Problem;
use crate::types::Principal;

/// Whoever makes an account gives it roles only where they may assign roles to one that is there.
fn may_assign<R>(who: &Principal, roles: &[R]) -> Result<(), Problem> {
    if roles.is_empty() { Ok(()) } else { who.must(permission("roles:manage")) }
}
