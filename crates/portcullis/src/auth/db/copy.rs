//! Copying everything from one database to another, of whichever engine: in one transaction, and compared
//! afterwards.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use super::statement::{Statement, Value, sql_built};
use super::{Database, DatabaseError, Digest, Row, Transaction};

/// How many rows are read and written at once.
const BATCH: usize = 200;

/// Every table with its key, each behind those that it refers to. What changed (`changes`) is not copied:
/// whoever opens the copy remembers nothing that it could be behind of.
const TABLES: &[(&str, &[&str])] = &[
    ("users", &["id"]),
    ("clients", &["id"]),
    ("client_secrets", &["id"]),
    ("consents", &["user_id", "client_id", "scope"]),
    ("roles", &["name"]),
    ("role_permissions", &["role", "permission", "effect"]),
    ("role_includes", &["role", "included"]),
    ("subject_roles", &["subject_kind", "subject_id", "role"]),
    ("subject_roles_within", &["subject_kind", "subject_id", "place", "role"]),
    ("grants", &["id"]),
    ("sessions", &["id"]),
    ("authorization_codes", &["digest"]),
    ("ended_sessions", &["id"]),
    ("refresh_tokens", &["digest"]),
    ("access_tokens", &["id"]),
    ("revoked_tokens", &["id"]),
    ("signing_keys", &["id"]),
    ("api_keys", &["id"]),
    ("invitations", &["id"]),
    ("audit", &["seq"]),
    ("audit_head", &["only"]),
    ("audit_base", &["only"]),
];

/// The tables of either engine that are no part of a copy.
const LEFT_OUT: &[&str] =
    &["_sqlx_migrations", "changes", "demo_items", "readiness", "sqlite_sequence"];

/// Why a database could not be copied. Nothing was written to the target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The target holds something already.
    #[error("the table {table} of the target is not empty")]
    NotEmpty {
        /// The first table that is not.
        table: &'static str,
    },
    /// The two have different schemas, or one has a table that this version does not know.
    #[error("the two databases have different schemas: {what}")]
    Schema {
        /// Where they differ.
        what: String,
    },
    /// What was read back from the target is not what was read from the source.
    #[error("the table {table} of the target is not as the source has it")]
    Differs {
        /// The first table that differs.
        table: &'static str,
    },
    /// One of the two failed.
    #[error("{0}")]
    Database(#[from] DatabaseError),
}

/// A table that was copied, as it was found in both databases afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The SHA-256 of all of them.
    pub digest: Digest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Boolean,
    Text,
    Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    kind: Kind,
}

/// A table, and what its rows are made of.
struct Table {
    name: &'static str,
    key: &'static [&'static str],
    columns: Vec<Column>,
}

impl Database {
    /// Copies everything to another database, whose schema is the newest and which is empty otherwise.
    /// All of it is read at one moment and written in one transaction; then it is read back and compared,
    /// row by row, by count and SHA-256, and only then committed. `progress` hears the table and how many of
    /// its rows are done.
    ///
    /// The copy opens with the same master secret. What changes at the source meanwhile is not in it: stop
    /// the servers first.
    ///
    /// # Errors
    /// [`CopyError`]. Nothing was written then.
    pub async fn copy_to(
        &self,
        target: &Self,
        mut progress: impl FnMut(&str, u64) + Send,
    ) -> Result<Vec<CopiedTable>, CopyError> {
        let tables = tables(self, target).await?;
        let mut writing = target.begin_writing().await?;
        let copied = self
            .snapshot(async |view| Ok(copy_all(view, &mut writing, &tables, &mut progress).await))
            .await;
        match copied {
            Ok(Ok(copied)) => {
                writing.commit().await?;
                Ok(copied)
            }
            Ok(Err(error)) => {
                writing.roll_back().await;
                Err(error)
            }
            Err(error) => {
                writing.roll_back().await;
                Err(error.into())
            }
        }
    }

    /// The columns of every table, by the engine's own catalogue.
    async fn catalogue(&self) -> Result<Vec<(String, Column)>, CopyError> {
        let text = if self.is_shared() {
            "SELECT CAST(table_name AS text) AS owner, CAST(column_name AS text) AS name,
                CAST(data_type AS text) AS kind
            FROM information_schema.columns WHERE table_schema = current_schema()
            ORDER BY 1, 2"
        } else {
            "SELECT t.name AS owner, c.name AS name, c.type AS kind
            FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
            ORDER BY 1, 2"
        };
        let mut found = Vec::new();
        for row in super::sql(text).all(self).await? {
            let (table, name): (String, String) = (row.get("owner")?, row.get("name")?);
            if LEFT_OUT.contains(&&*table) {
                continue;
            }
            let kind: String = row.get("kind")?;
            let kind = match &*kind.to_ascii_lowercase() {
                "integer" | "bigint" => Kind::Integer,
                "boolean" => Kind::Boolean,
                "text" => Kind::Text,
                "blob" | "bytea" => Kind::Bytes,
                _ => return Err(CopyError::Schema { what: format!("{table}.{name} is {kind}") }),
            };
            found.push((table, Column { name, kind }));
        }
        Ok(found)
    }
}

/// What is to be copied, where both have the same tables and columns.
async fn tables(source: &Database, target: &Database) -> Result<Vec<Table>, CopyError> {
    let (from, to) = (source.catalogue().await?, target.catalogue().await?);
    let mut tables: Vec<Table> =
        TABLES.iter().map(|(name, key)| Table { name, key, columns: Vec::new() }).collect();
    if from.len() != to.len() {
        let what = format!("{} columns and {}", from.len(), to.len());
        return Err(CopyError::Schema { what });
    }
    for ((table, column), (other_table, other)) in from.into_iter().zip(to) {
        let there = tables.iter_mut().find(|one| one.name == table);
        // SQLite keeps yes and no as a number.
        let kind = match (column.kind, other.kind) {
            (one, same) if one == same => Some(one),
            (Kind::Integer, Kind::Boolean) | (Kind::Boolean, Kind::Integer) => Some(Kind::Boolean),
            _ => None,
        };
        match (there, kind) {
            (Some(there), Some(kind)) if table == other_table && column.name == other.name => {
                there.columns.push(Column { name: column.name, kind });
            }
            _ => {
                let what = format!("{table}.{} and {other_table}.{}", column.name, other.name);
                return Err(CopyError::Schema { what });
            }
        }
    }
    match tables.iter().find(|table| table.columns.is_empty()) {
        Some(table) => Err(CopyError::Schema { what: format!("there is no table {}", table.name) }),
        None => Ok(tables),
    }
}

async fn copy_all(
    view: &mut Transaction,
    writing: &mut Transaction,
    tables: &[Table],
    progress: &mut (impl FnMut(&str, u64) + Send),
) -> Result<Vec<CopiedTable>, CopyError> {
    for table in tables {
        let some = sql_built(format!("SELECT EXISTS (SELECT 1 FROM {}) AS found", table.name));
        if some.found(&mut *writing).await? {
            return Err(CopyError::NotEmpty { table: table.name });
        }
    }
    let mut copied = Vec::new();
    for table in tables {
        let mut summary = Summary::new(table.name);
        let mut after = None;
        loop {
            let rows = table.page(after.as_deref()).all(&mut *view).await?;
            let values = rows.iter().map(|row| table.read(row)).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = rows.last() else { break };
            after = Some(table.key_of(last)?);
            summary.add(&values);
            table.insert(values).execute(&mut *writing).await?;
            progress(table.name, summary.rows);
        }
        copied.push(summary.finish());
    }
    for (table, source) in tables.iter().zip(&copied) {
        let mut summary = Summary::new(table.name);
        let mut after = None;
        loop {
            let rows = table.page(after.as_deref()).all(&mut *writing).await?;
            let values = rows.iter().map(|row| table.read(row)).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = rows.last() else { break };
            after = Some(table.key_of(last)?);
            summary.add(&values);
        }
        if summary.finish() != *source {
            return Err(CopyError::Differs { table: table.name });
        }
    }
    Ok(copied)
}

impl Table {
    /// The rows behind this key, in the order of their keys: the same in both engines, which compare bytes.
    fn page(&self, after: Option<&[Value]>) -> Statement {
        let columns: Vec<_> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let key = self.key.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let places = |count: usize| {
            (1..).take(count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
        };
        let behind = match after {
            None => String::new(),
            Some(after) => format!("WHERE ({key}) > ({})", places(after.len())),
        };
        let statement = sql_built(format!(
            "SELECT {} FROM {} {behind} ORDER BY {key} LIMIT {BATCH}",
            columns.join(", "),
            self.name
        ));
        after.into_iter().flatten().cloned().fold(statement, Statement::bind)
    }

    fn insert(&self, rows: Vec<Vec<Value>>) -> Statement {
        let columns: Vec<_> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let mut place = 0;
        let mut row = || {
            let places = columns.iter().map(|_| {
                place += 1;
                format!("${place}")
            });
            format!("({})", places.collect::<Vec<_>>().join(", "))
        };
        let places = rows.iter().map(|_| row()).collect::<Vec<_>>().join(", ");
        let statement = sql_built(format!(
            "INSERT INTO {} ({}) VALUES {places}",
            self.name,
            columns.join(", ")
        ));
        rows.into_iter().flatten().fold(statement, Statement::bind)
    }

    fn read(&self, row: &Row) -> Result<Vec<Value>, DatabaseError> {
        self.columns.iter().map(|column| value(row, &column.name, column.kind)).collect()
    }

    fn key_of(&self, row: &Row) -> Result<Vec<Value>, DatabaseError> {
        let kind = |name: &str| {
            let column = self.columns.iter().find(|column| column.name == name);
            column.map_or(Kind::Text, |column| column.kind)
        };
        self.key.iter().map(|name| value(row, name, kind(name))).collect()
    }
}

fn value(row: &Row, name: &str, kind: Kind) -> Result<Value, DatabaseError> {
    Ok(match kind {
        Kind::Integer => Value::Integer(row.get(name)?),
        Kind::Boolean => Value::Boolean(row.get(name)?),
        Kind::Text => Value::Text(row.get(name)?),
        Kind::Bytes => Value::Bytes(row.get(name)?),
    })
}

/// A name of a column, which may be a word of SQL: `only`.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Counts and digests rows, whichever engine they come from.
struct Summary {
    name: &'static str,
    rows: u64,
    digest: Context,
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summary").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Summary {
    fn new(name: &'static str) -> Self {
        Self { name, rows: 0, digest: Context::new(&SHA256) }
    }

    fn add(&mut self, rows: &[Vec<Value>]) {
        for value in rows.iter().flatten() {
            match value {
                Value::Integer(Some(number)) => self.part(b'i', &number.to_be_bytes()),
                Value::Boolean(yes) => self.part(b'b', &[u8::from(*yes)]),
                Value::Text(Some(text)) => self.part(b't', text.as_bytes()),
                Value::Bytes(Some(bytes)) => self.part(b'x', bytes),
                Value::Integer(None) | Value::Text(None) | Value::Bytes(None) => {
                    self.part(b'n', &[]);
                }
            }
        }
        self.rows += rows.len() as u64;
    }

    /// Its kind and length stand before each value, so that no two lists of values are one text.
    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.digest.update(&[kind]);
        self.digest.update(&(bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }

    fn finish(self) -> CopiedTable {
        let mut digest = Digest::default();
        digest.copy_from_slice(self.digest.finish().as_ref());
        CopiedTable { name: self.name, rows: self.rows, digest }
    }
}
