//! Where a page ended: opaque to whoever pages, `(created_at, id)` to us.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::StoreError;
use crate::types::{Page, PageRequest, Timestamp};

/// A place in a list ordered by age and then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    /// When the last row of the page was made, in microseconds.
    pub created_at: i64,
    /// Its id.
    pub id: String,
}

impl Cursor {
    /// The cursor of a row.
    pub(super) fn new(created_at: Timestamp, id: &impl ToString) -> Self {
        Self { created_at: created_at.as_microsecond(), id: id.to_string() }
    }

    /// Reads the cursor a stranger brought; before everything where there is none.
    pub(super) fn parse(page: &PageRequest) -> Result<Self, StoreError> {
        let Some(text) = &page.after else {
            return Ok(Self { created_at: i64::MIN, id: String::new() });
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| StoreError::InvalidCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| StoreError::InvalidCursor)?;
        let (created_at, id) = text.split_once(' ').ok_or(StoreError::InvalidCursor)?;
        let created_at = created_at.parse().map_err(|_| StoreError::InvalidCursor)?;
        Ok(Self { created_at, id: id.to_owned() })
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.created_at, self.id))
    }
}

/// The limit of a page, brought within bounds.
pub(super) fn limit(page: &PageRequest) -> usize {
    usize::try_from(page.limit.clamp(1, PageRequest::LARGEST)).unwrap_or(1)
}

/// Makes a page of rows that were read with one more than the limit.
pub(super) fn paged<T>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| cursor(last).encode());
    Page { items, next }
}
