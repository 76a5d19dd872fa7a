//! The database: an executor with statements, values and rows of its own, so that no topic names an
//! engine. `write.rs` decides who may change what; this module only carries it out.
//!
//! Placeholders are `$1`, times are microseconds and ids text: SQLite and PostgreSQL run the very same
//! statements. What differs (opening, how a transaction begins, values, errors, who wakes whom) is in
//! `sqlite.rs` and `postgres/`, and `connection.rs` tells the two apart.

mod connect;
mod connection;
mod copy;
mod cursor;
mod error;
mod failure;
#[cfg(test)]
pub(in crate::auth) mod faults;
mod feed;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod settings;
mod sqlite;
mod statement;
mod subject;
mod transaction;
mod wakes;

pub use connect::{ConnectError, Database};
pub use copy::{CopiedTable, CopyError};
pub(in crate::auth) use cursor::{Cursor, limit, page_of, paged};
pub use error::DatabaseError;
pub(in crate::auth) use feed::{Change, changes, forget_old_changes, position};
pub(in crate::auth) use row::{Row, scope_list};
pub use settings::DatabaseSettings;
pub(in crate::auth) use statement::{Executor, Statement, Value, sql, sql_built};
pub(in crate::auth) use subject::subject_key;
pub(in crate::auth) use transaction::Transaction;
pub(in crate::auth) use wakes::Wakes;

pub(in crate::auth) use crate::types::Digest;
