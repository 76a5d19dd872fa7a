//! Where a page ended: opaque to whoever pages, `(created_at, id)` to us.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::DatabaseError;
use crate::types::{Page, PageRequest, Timestamp};

/// A place in a list ordered by age and then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::auth) struct Cursor {
    /// When the last row of the page was made, in microseconds.
    pub(in crate::auth) created_at: i64,
    /// Its id.
    pub(in crate::auth) id: String,
}

impl Cursor {
    /// The cursor of a row.
    pub(in crate::auth) fn new(created_at: Timestamp, id: &impl ToString) -> Self {
        Self { created_at: created_at.as_microsecond(), id: id.to_string() }
    }

    /// The cursor of a row in a list ordered by name.
    pub(in crate::auth) fn named(name: &impl ToString) -> Self {
        Self { created_at: 0, id: name.to_string() }
    }

    /// Reads the cursor a stranger brought; before everything where there is none.
    pub(in crate::auth) fn parse(page: &PageRequest) -> Result<Self, DatabaseError> {
        let Some(text) = &page.after else {
            return Ok(Self { created_at: i64::MIN, id: String::new() });
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| DatabaseError::InvalidCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| DatabaseError::InvalidCursor)?;
        let (created_at, id) = text.split_once(' ').ok_or(DatabaseError::InvalidCursor)?;
        let created_at = created_at.parse().map_err(|_| DatabaseError::InvalidCursor)?;
        Ok(Self { created_at, id: id.to_owned() })
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.created_at, self.id))
    }
}

/// The limit of a page, brought within bounds.
pub(in crate::auth) fn limit(page: &PageRequest) -> usize {
    usize::try_from(page.limit.clamp(1, PageRequest::LARGEST)).unwrap_or(1)
}

/// Makes a page of rows that were read with one more than the limit.
pub(in crate::auth) fn paged<T>(
    mut items: Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> Cursor,
) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| cursor(last).encode());
    Page { items, next }
}

/// A page of rows that are all in memory, in the order of their cursors.
pub(in crate::auth) fn page_of<T>(
    rows: impl IntoIterator<Item = T>,
    page: &PageRequest,
    cursor: impl Fn(&T) -> Cursor,
) -> Result<Page<T>, DatabaseError> {
    let after = Cursor::parse(page)?;
    let limit = limit(page);
    let rows = rows.into_iter().filter(|row| cursor(row) > after).take(limit + 1).collect();
    Ok(paged(rows, limit, cursor))
}
