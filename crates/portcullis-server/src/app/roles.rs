//! The roles and scopes that are there from the start.

use portcullis::policy::Roles;
use portcullis::types::ScopeBook;

use super::Kind;
use crate::demo;

/// What an administrator may do, by the permissions that the ready-made routes ask for.
pub(crate) const ADMINISTRATION: [&str; 7] = [
    "users:manage",
    "roles:manage",
    "clients:manage",
    "keys:manage",
    "audit:read",
    "tokens:introspect",
    "access:evaluate",
];

impl Kind {
    /// The roles of a new database. `serve` begins with `admin` alone: every other role is the operator's.
    pub(crate) fn roles(self) -> Roles {
        match self {
            Self::Serve => Roles::new().grant("admin", ADMINISTRATION).describe(
                "admin",
                "May manage users, roles, clients and keys, and read the audit log.",
            ),
            Self::Demo => demo::roles(),
        }
    }

    /// The scopes a token may be limited to, and the permission behind each. `serve` has none.
    pub(crate) fn scopes(self) -> ScopeBook {
        match self {
            Self::Serve => ScopeBook::new(),
            Self::Demo => demo::scopes(),
        }
    }
}
