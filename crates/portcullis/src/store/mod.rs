//! 8, what is remembered: small traits, whole deeds. What must be atomic is one method.
//!
//! Every store passes the same contract, `testing::contract` (feature `testing`), and so should
//! one of your own. [`MemoryStore`] forgets everything when it is dropped; `sql::SqlStore`
//! (feature `sqlite`) keeps it in one file.
//!
//! Times are kept to the microsecond; what is finer may be cut off.

mod api_keys;
mod audit;
mod clients;
mod cursor;
mod error;
mod feed;
mod fold;
mod grants;
mod graph;
mod keys;
mod memory;
mod rotation;
mod sessions;
#[cfg(feature = "sqlite")]
pub mod sql;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

pub use api_keys::{API_KEYS, ApiKeys};
#[cfg(test)]
pub(crate) use audit::BROKEN as AUDIT_BROKEN;
pub use audit::{Audit, AuditFilter, AuditHead, AuditLink, SealAudit, audit_hash};
pub use clients::{ClientChange, Clients};
pub use error::StoreError;
pub use feed::{Change, Feed};
pub use fold::fold;
pub use grants::{Grants, StoredAccess};
pub use keys::{KeyRecord, Keys};
pub use memory::MemoryStore;
pub use sessions::{LIVE_SESSIONS, Sessions};
pub use tokens::{NewRefresh, Rotation, TokenRecord, Tokens};
pub use users::{NewUser, UserChange, UserFilter, Users};

pub use crate::types::Digest;

/// Everything that is remembered. Whatever has the parts is one.
pub trait Store:
    Users
    + Clients
    + Grants
    + Sessions
    + Tokens
    + ApiKeys
    + Keys
    + Audit
    + Feed
    + std::fmt::Debug
    + 'static
{
}

impl<T> Store for T where
    T: Users
        + Clients
        + Grants
        + Sessions
        + Tokens
        + ApiKeys
        + Keys
        + Audit
        + Feed
        + std::fmt::Debug
        + 'static
{
}
