//! The catalogue: everything that is noted.

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal;)*) => {
        /// What happened. Its name is what the log keeps, the same for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Action {
            $($(#[$doc])* $action,)*
        }

        impl Action {
            /// Every action there is.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// Its name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$action => $name,)* }
            }
        }
    };
}

actions! {
    /// The log begins.
    AuditBegun = "audit.begun";
    /// The end of the log was found tampered with, or all of the log gone.
    AuditBroken = "audit.broken";
    /// The older rows were cut off into an archive: which is in the details.
    AuditArchived = "audit.archived";
    /// A new master secret seals the log from here on, in the place of one that was lost. What was done to
    /// the rows before this one until now cannot be told.
    AuditResealed = "audit.resealed";
    /// Rows could not be written: how many is in the details.
    AuditDropped = "audit.dropped";
    /// Somebody signed in.
    Login = "login";
    /// Somebody could not sign in.
    LoginFailed = "login.failed";
    /// Somebody signed out.
    Logout = "logout";
    /// Sessions of a user were ended, other than by signing out.
    SessionEnded = "session.ended";
    /// A refresh token was shown again after it was used: its session was ended.
    RefreshReused = "refresh.reused";
    /// A refresh token was shown again a moment after it was used, and got the same successor.
    RefreshRetried = "refresh.retried";
    /// An access token was ended before its time.
    TokenRevoked = "token.revoked";
    /// An account was made.
    UserCreated = "user.created";
    /// An account was changed: which of its fields is in the details.
    UserChanged = "user.changed";
    /// An account was closed to its owner.
    UserDisabled = "user.disabled";
    /// An account was opened again.
    UserEnabled = "user.enabled";
    /// An account was deleted.
    UserDeleted = "user.deleted";
    /// Somebody changed their own password.
    PasswordChanged = "password.changed";
    /// A password was set by an administrator, or with an action token from an e-mail.
    PasswordReset = "password.reset";
    /// A role was made.
    RoleCreated = "role.created";
    /// A role was changed.
    RoleChanged = "role.changed";
    /// A role was deleted.
    RoleDeleted = "role.deleted";
    /// A role was assigned.
    RoleAssigned = "role.assigned";
    /// A role was taken away.
    RoleUnassigned = "role.unassigned";
    /// A permission was allowed or denied directly.
    GrantMade = "grant.made";
    /// A direct grant was taken back.
    GrantRemoved = "grant.removed";
    /// A signing key was made to take over.
    KeyRotated = "key.rotated";
    /// A signing key was retired at once.
    KeyRetired = "key.retired";
    /// An API key was made.
    ApiKeyCreated = "api_key.created";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key.revoked";
    /// A client was registered.
    ClientCreated = "client.created";
    /// A client was changed.
    ClientChanged = "client.changed";
    /// A client was deleted.
    ClientDeleted = "client.deleted";
    /// Somebody was invited to register.
    InvitationMade = "invitation.made";
    /// An invitation was withdrawn.
    InvitationWithdrawn = "invitation.withdrawn";
    /// A person let a client have scopes.
    ConsentGiven = "consent.given";
    /// An authorization code was shown again: what it gave was ended.
    CodeReused = "code.reused";
    /// A client got a secret.
    ClientSecretCreated = "client.secret_created";
    /// A secret of a client was deleted.
    ClientSecretDeleted = "client.secret_deleted";
    /// A client got a token for itself.
    ClientToken = "client.token";
    /// Somebody did not count as the client they named.
    ClientRefused = "client.refused";
    /// Somebody signed in was refused, or brought a credential that was not accepted.
    AccessRefused = "access.refused";
}
