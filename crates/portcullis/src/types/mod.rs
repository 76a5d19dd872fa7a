//! The nouns: plain data with public fields. Imports nothing of ours and knows no HTTP.

mod access;
mod condition;
mod data;
mod ids;
mod key;
mod names;
mod origin;
mod page;
mod place;
mod principal;
mod record;

pub use access::{
    Access, Conditional, OPENID_SCOPES, PlacedAccess, ScopeBook, ScopeRule, is_openid_scope,
};
pub use condition::{Condition, ConditionSpec, Hours, InvalidCondition, Network, Remedy, Weekday};
pub use ids::{ClientId, GrantId, InvitationId, SessionId, TokenId, UserId};
pub use key::{Digest, KeyRecord};
pub use names::{InvalidName, Permission, Role, Scope};
pub use origin::{InvalidOrigin, Origin, OriginPattern, OriginRule};
pub use page::{Page, PageRequest};
pub use place::{InvalidPlace, Place, Tenants};
pub(crate) use principal::Answers;
pub use principal::{Asked, Context, External, PathParts, Principal, SchemeName, Scopes, Subject};
pub use record::{Effect, Grant, RoleRecord};

/// A moment as a clock on the wall shows it in some time zone.
pub use jiff::ZonedDateTime;

/// A moment in UTC. Everything that needs one is handed it; only [`crate::clock`] asks the system.
pub use jiff::Timestamp;
