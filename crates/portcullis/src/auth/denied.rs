//! Why a credential that this side issued does not count.

use super::db::DatabaseError;
use crate::credential::Rejection;
use crate::problem::{BoxError, Problem};

/// Why a credential does not count.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// Wrong, expired, revoked, or its owner is inactive.
    #[error("the credential is not valid, or no longer")]
    Invalid,
    /// The database is away.
    #[error(transparent)]
    Database(DatabaseError),
    /// A fault of ours.
    #[error("a credential could not be judged")]
    Internal(#[source] BoxError),
}

impl From<DatabaseError> for Denied {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Invalid => Self::Invalid,
            Denied::Database(error) => Self::Unavailable(Box::new(error)),
            Denied::Internal(error) => Self::Internal(error),
        }
    }
}

impl Denied {
    /// Returns `invalid` for a credential that is not valid; every other failure stays an error.
    pub(super) fn invalid_or<T>(self, invalid: T) -> Result<T, Problem> {
        match self {
            Self::Invalid => Ok(invalid),
            Self::Database(error) => Err(error.into()),
            Self::Internal(error) => Err(Problem::internal(error)),
        }
    }
}
