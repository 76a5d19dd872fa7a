//! What whoever logs or counts answers wants to know beside the answer itself.

use std::fmt;
use std::sync::Arc;

use crate::types::Subject;

/// Which route answered, and to whom. The gate leaves it in the answer's extensions; an answer for a path
/// that no route has is without it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answered {
    /// The route's path, as it is declared.
    pub route: Arc<str>,
    /// Who asked, where somebody is known.
    pub who: Option<Subject>,
}

/// Who asked, in a word and an id; `-` for nobody. Names are not written: people change them, and
/// choose them.
pub(crate) struct Who<'a>(pub(crate) Option<&'a Subject>);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Subject::User(id)) => write!(f, "user:{id}"),
            Some(Subject::Client(id)) => write!(f, "client:{id}"),
            Some(Subject::External(_)) => f.write_str("external"),
            Some(Subject::Guest) | None => f.write_str("-"),
        }
    }
}
