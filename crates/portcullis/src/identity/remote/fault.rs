//! Why an issuer's keys are not known.

use std::sync::Arc;

use crate::crypto::BadJwks;
use crate::problem::BoxError;

/// Why an issuer's keys are not known. For the log; callers get a 503.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteFault {
    /// Nobody answered, or not in time.
    #[error("{url} could not be fetched")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        source: BoxError,
    },
    /// The answer was another than 200; a redirect counts as that, and is not followed.
    #[error("{url} was answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The answer's status.
        status: u16,
    },
    /// The answer was larger than is ever needed.
    #[error("{url} was answered with more than 256 KiB")]
    TooLarge {
        /// What was asked for.
        url: String,
    },
    /// The issuer's metadata is not JSON with the members `issuer` and `jwks_uri`.
    #[error("{url} is not an issuer's metadata")]
    NotMetadata {
        /// Where it was found.
        url: String,
    },
    /// The metadata is another issuer's (RFC 8414 §3.3).
    #[error("{url} is the metadata of another issuer")]
    WrongIssuer {
        /// Where it was found.
        url: String,
    },
    /// The metadata leads to keys at an address that is not asked.
    #[error("{url} has a jwks_uri that is not https, or on loopback only")]
    WrongAddress {
        /// Where it was found.
        url: String,
    },
    /// The keys cannot be read.
    #[error("the keys at {url} cannot be used")]
    BadKeys {
        /// Where they were found.
        url: String,
        /// What is wrong with them.
        source: BadJwks,
    },
    /// All of it together took too long.
    #[error("the issuer took too long")]
    TooSlow,
    /// The keys are not known, or those that were are too old.
    #[error("the keys of {issuer} are not known")]
    KeysUnknown {
        /// Whose keys.
        issuer: Arc<str>,
        /// Why the last attempt to fetch them failed.
        source: Option<Arc<RemoteFault>>,
    },
}
