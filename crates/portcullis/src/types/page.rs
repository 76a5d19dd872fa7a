//! Lists, a page at a time.

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the last page ended; the beginning where `None`.
    pub after: Option<String>,
    /// How many rows at the most: 1 to [`PageRequest::LARGEST`].
    pub limit: u32,
}

impl PageRequest {
    /// The most rows one page may have.
    pub const LARGEST: u32 = 200;
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { after: None, limit: 50 }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask with for the next page; `None` at the end.
    pub next: Option<String>,
}
