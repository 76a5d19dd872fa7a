//! The roles and scopes that are there from the start.

use portcullis::policy::Roles;
use portcullis::types::ScopeBook;

/// guest ⊂ user ⊂ moderator ⊂ admin, each with what it adds.
pub(crate) fn basic_roles() -> Roles {
    Roles::new()
        .describe("guest", "May look around.")
        .include("user", "guest")
        .grant("user", ["read"])
        .describe("user", "May read.")
        .include("moderator", "user")
        .grant("moderator", ["write", "delete"])
        .describe("moderator", "May write and delete.")
        .include("admin", "moderator")
        .grant(
            "admin",
            [
                "users:manage",
                "roles:manage",
                "clients:manage",
                "keys:manage",
                "audit:read",
                "tokens:introspect",
                "access:evaluate",
            ],
        )
        .describe("admin", "May do everything, users and roles included.")
}

/// The scopes a token may be limited to, and the permission behind each.
pub(crate) fn scope_book() -> ScopeBook {
    ScopeBook::new().register_for("items:read", "Read items.", "read").register_for(
        "items:write",
        "Make and change items.",
        "write",
    )
}
