//! The database: an executor with statements, values and rows of its own, so that no topic names an
//! engine. `write.rs` decides who may change what; this module only carries it out.
//!
//! Placeholders are `$1`, times are microseconds and ids text, so that a second engine can run the
//! same statements.

mod connect;
mod cursor;
mod error;
mod failure;
#[cfg(test)]
pub(in crate::auth) mod faults;
mod feed;
mod row;
mod statement;
mod subject;
mod transaction;

pub use connect::{ConnectError, Database};
pub(in crate::auth) use cursor::{Cursor, limit, page_of, paged};
pub use error::DatabaseError;
pub(in crate::auth) use feed::{Change, changes, forget_old_changes, position};
pub(in crate::auth) use row::{Row, scope_list};
pub(in crate::auth) use statement::{Executor, Statement, Value, sql, sql_built};
pub(in crate::auth) use subject::subject_key;
pub(in crate::auth) use transaction::Transaction;

pub(in crate::auth) use crate::types::Digest;
