//! How a subject is kept: a kind and an id.

use crate::types::Subject;

/// The kind and id under which a subject is kept. A guest and somebody whom another issuer names are
/// kept nowhere.
pub(in crate::auth) fn subject_key(subject: &Subject) -> Option<(&'static str, String)> {
    match subject {
        Subject::User(id) => Some(("user", id.to_string())),
        Subject::Client(id) => Some(("client", id.to_string())),
        Subject::External(_) | Subject::Guest => None,
    }
}
