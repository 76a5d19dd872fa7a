//! What the database can fail with.

use crate::problem::{BoxError, Problem, ProblemKind};
use crate::types::Role;

/// What the database can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Something else has that value already.
    #[error("another has this {field} already")]
    Conflict {
        /// The field, such as `username`.
        field: &'static str,
    },
    /// What the change is about is not there.
    #[error("there is no such {what}")]
    NotFound {
        /// What, such as `role`.
        what: &'static str,
    },
    /// A role would include itself, along this path.
    #[error("a role would include itself: {}", path.join(" > "))]
    Cycle {
        /// The roles along the way, the first one again at the end.
        path: Vec<String>,
    },
    /// Nobody active would hold the role any more.
    #[error("this would leave the role {role} without an active holder")]
    LastHolder {
        /// The role that was to keep one.
        role: Role,
    },
    /// A cursor that no page ended with.
    #[error("the cursor is not one that a page ended with")]
    InvalidCursor,
    /// The database is away; trying again may help.
    #[error("the database is away")]
    Unavailable(#[source] BoxError),
    /// The database holds something that cannot be.
    #[error("the database holds something that cannot be: {what}")]
    Corrupt {
        /// Where.
        what: String,
    },
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Conflict { field } => Self::new(ProblemKind::Conflict)
                .detail(format!("Another has this {field} already: choose another {field}.")),
            DatabaseError::NotFound { what } => {
                Self::new(ProblemKind::NotFound).detail(format!("There is no such {what}."))
            }
            DatabaseError::Cycle { .. } => {
                Self::new(ProblemKind::Conflict).detail(format!("{error}."))
            }
            DatabaseError::LastHolder { role } => Self::new(ProblemKind::Conflict)
                .detail(format!("This is the last active holder of role {role}.")),
            DatabaseError::InvalidCursor => Self::new(ProblemKind::Invalid)
                .detail("The cursor is not one that a page ended with."),
            DatabaseError::Unavailable(_) => {
                Self::new(ProblemKind::Unavailable).retry_after(1).source(error)
            }
            DatabaseError::Corrupt { .. } => Self::internal(error),
        }
    }
}
