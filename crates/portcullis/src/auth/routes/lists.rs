//! Lists as they are asked for and answered, a page at a time.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::{Page, PageRequest};

/// One page of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> List<T> {
    /// The answer to whoever asked for this page.
    pub(in crate::auth) fn of<R: Into<T>>(page: Page<R>) -> Self {
        Self { items: page.items.into_iter().map(Into::into).collect(), next: page.next }
    }
}

/// Which page of a list is wanted.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::auth) struct ListQuery {
    /// Where the last page ended.
    #[garde(length(chars, max = 600))]
    #[serde(default)]
    cursor: Option<String>,
    /// How many rows at the most.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    limit: u32,
}

impl From<ListQuery> for PageRequest {
    fn from(query: ListQuery) -> Self {
        Self { after: query.cursor, limit: query.limit }
    }
}

/// How many rows a page has where the request does not say.
pub(in crate::auth) fn default_limit() -> u32 {
    50
}
