//! A statement with its values, and where it runs.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{Database, DatabaseError, Row, Transaction};
use crate::types::Timestamp;

/// A value that is bound to a placeholder. A missing one keeps its type, which an engine may ask for.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::auth) enum Value {
    /// A number, or a moment in microseconds.
    Integer(Option<i64>),
    /// Yes or no.
    Boolean(bool),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($type:ty, $value:ident => $made:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        })*
    };
}

values! {
    i64, value => Self::Integer(Some(value));
    bool, value => Self::Boolean(value);
    u32, value => Self::Integer(Some(value.into()));
    Timestamp, value => Self::Integer(Some(value.as_microsecond()));
    Option<Timestamp>, value => Self::Integer(value.map(Timestamp::as_microsecond));
    String, value => Self::Text(Some(value));
    &str, value => Self::Text(Some(value.to_owned()));
    &String, value => Self::Text(Some(value.clone()));
    Option<String>, value => Self::Text(value);
    &Option<String>, value => Self::Text(value.clone());
    Option<&str>, value => Self::Text(value.map(str::to_owned));
    &[u8], value => Self::Bytes(Some(value.to_vec()));
    &[u8; 32], value => Self::Bytes(Some(value.to_vec()));
    &Vec<u8>, value => Self::Bytes(Some(value.clone()));
    Option<&[u8; 32]>, value => Self::Bytes(value.map(|bytes| bytes.to_vec()));
}

/// Where a statement that reads runs.
#[derive(Debug)]
pub(in crate::auth) enum Executor<'d> {
    /// By itself, on a connection that reads.
    Database(&'d Database),
    /// Within a transaction.
    Transaction(&'d mut Transaction),
}

impl<'d> From<&'d Database> for Executor<'d> {
    fn from(database: &'d Database) -> Self {
        Self::Database(database)
    }
}

impl<'d> From<&'d mut Transaction> for Executor<'d> {
    fn from(transaction: &'d mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// A statement in the making.
#[derive(Debug)]
#[must_use]
pub(in crate::auth) struct Statement {
    text: SqlStr,
    values: Vec<Value>,
}

/// A statement whose text is written in code.
pub(in crate::auth) fn sql(text: &'static str) -> Statement {
    Statement { text: text.into_sql_str(), values: Vec::new() }
}

/// A statement whose text was put together from texts written in code: no value stands in it.
pub(in crate::auth) fn sql_built(text: String) -> Statement {
    Statement { text: AssertSqlSafe(text).into_sql_str(), values: Vec::new() }
}

impl Statement {
    /// Binds the next placeholder.
    pub(in crate::auth) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Changes rows, and says how many.
    pub(in crate::auth) async fn execute(
        self,
        transaction: &mut Transaction,
    ) -> Result<u64, DatabaseError> {
        transaction.before_statement(self.text.as_str())?;
        transaction.connection().execute(self.text, self.values).await
    }

    /// Every row.
    pub(in crate::auth) async fn all<'d>(
        self,
        db: impl Into<Executor<'d>>,
    ) -> Result<Vec<Row>, DatabaseError> {
        match db.into() {
            Executor::Database(database) => database.read(self.text, self.values).await,
            Executor::Transaction(transaction) => {
                transaction.before_statement(self.text.as_str())?;
                transaction.connection().rows(self.text, self.values).await
            }
        }
    }

    /// The first row, if there is one.
    pub(in crate::auth) async fn optional<'d>(
        self,
        db: impl Into<Executor<'d>>,
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.all(db).await?.into_iter().next())
    }

    /// The only row.
    ///
    /// # Errors
    /// `Corrupt` where there is none.
    pub(in crate::auth) async fn one<'d>(
        self,
        db: impl Into<Executor<'d>>,
    ) -> Result<Row, DatabaseError> {
        let found = self.optional(db).await?;
        found.ok_or_else(|| DatabaseError::Corrupt { what: "an answer without a row".to_owned() })
    }

    /// The column `found` of the only row: for `SELECT EXISTS (…) AS found`.
    pub(in crate::auth) async fn found<'d>(
        self,
        db: impl Into<Executor<'d>>,
    ) -> Result<bool, DatabaseError> {
        self.one(db).await?.get("found")
    }
}
