//! Values on their way to PostgreSQL and back.
//!
//! Text of PostgreSQL cannot hold the character NUL, which what strangers send may hold and SQLite keeps.
//! It is written as another character that stands for nothing, and read back: the same text comes out,
//! different texts stay different, and no statement fails.

use std::borrow::Cow;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Row as _, TypeInfo as _, ValueRef as _};

use super::super::DatabaseError;
use super::super::statement::Value;
use super::failure::failed;

/// A noncharacter: Unicode keeps it for what a program does inside.
const ESCAPE: char = '\u{10FFFE}';
/// Behind it for NUL, and for itself.
const NUL: char = '0';

pub(super) fn arguments(values: Vec<Value>) -> Result<PgArguments, DatabaseError> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Integer(value) => arguments.add(value),
            Value::Boolean(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value.map(escape)),
            Value::Bytes(value) => arguments.add(value),
        };
        added.map_err(|fault| DatabaseError::Corrupt { what: fault.to_string() })?;
    }
    Ok(arguments)
}

/// A number, of whichever size.
pub(in crate::auth::db) fn integer(row: &PgRow, name: &str) -> Result<Option<i64>, DatabaseError> {
    let raw = row.try_get_raw(name).map_err(failed)?;
    if raw.type_info().name() == "INT4" {
        let small: Option<i32> = row.try_get(name).map_err(failed)?;
        return Ok(small.map(i64::from));
    }
    row.try_get(name).map_err(failed)
}

pub(in crate::auth::db) fn boolean(row: &PgRow, name: &str) -> Result<Option<bool>, DatabaseError> {
    row.try_get(name).map_err(failed)
}

pub(in crate::auth::db) fn text(row: &PgRow, name: &str) -> Result<Option<String>, DatabaseError> {
    let kept: Option<String> = row.try_get(name).map_err(failed)?;
    Ok(kept.map(|text| match unescape(&text) {
        Cow::Owned(read) => read,
        Cow::Borrowed(_) => text,
    }))
}

pub(in crate::auth::db) fn bytes(
    row: &PgRow,
    name: &str,
) -> Result<Option<Vec<u8>>, DatabaseError> {
    row.try_get(name).map_err(failed)
}

fn escape(text: String) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text;
    }
    let mut written = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => written.extend([ESCAPE, NUL]),
            ESCAPE => written.extend([ESCAPE, ESCAPE]),
            other => written.push(other),
        }
    }
    written
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut read = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => read.push(if characters.next() == Some(NUL) { '\0' } else { ESCAPE }),
            other => read.push(other),
        }
    }
    Cow::Owned(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = String> {
        let character = prop_oneof![Just('\0'), Just(ESCAPE), Just(NUL), Just('a'), any::<char>()];
        proptest::collection::vec(character, 0..12).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_was_and_holds_no_nul_meanwhile(text in texts(), other in texts()) {
            let kept = escape(text.clone());
            prop_assert!(!kept.contains('\0'));
            prop_assert_eq!(&*unescape(&kept), &*text);
            prop_assert_eq!(kept == escape(other.clone()), text == other);
        }
    }
}
