//! The sample roles and scopes of the tutorial.

use portcullis::policy::Roles;
use portcullis::types::ScopeBook;

use crate::app::ADMINISTRATION;

/// guest ⊂ user ⊂ moderator ⊂ admin, each with what it adds.
pub(crate) fn roles() -> Roles {
    Roles::new()
        .describe("guest", "May look around.")
        .include("user", "guest")
        .grant("user", ["read"])
        .describe("user", "May read.")
        .include("moderator", "user")
        .grant("moderator", ["write", "delete"])
        .describe("moderator", "May write and delete.")
        .include("admin", "moderator")
        .grant("admin", ADMINISTRATION)
        .describe("admin", "May do everything, users and roles included.")
}

/// The scopes a token may be limited to, and the permission behind each.
pub(crate) fn scopes() -> ScopeBook {
    ScopeBook::new().register_for("items:read", "Read items.", "read").register_for(
        "items:write",
        "Make and change items.",
        "write",
    )
}
