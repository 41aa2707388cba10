//! Between rows and types; whatever cannot be read is an error with a name, never a default.

use engine::ports::StoreError;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::sqlite::{SqliteQueryResult, SqliteRow};
use sqlx::{Decode, Row as _, Sqlite, Type};
use std::fmt::Display;
use std::str::FromStr;

pub(crate) fn db(error: sqlx::Error) -> StoreError {
    StoreError::Database { text: error.to_string() }
}

/// Turns the breach of a unique rule into `Conflict`, of a foreign key into `NotFound`.
pub(crate) fn refused(unique: &'static str, parent: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => StoreError::Conflict { what: unique },
        Some(cause) if cause.is_foreign_key_violation() => StoreError::NotFound { what: parent },
        _ => db(error),
    }
}

pub(crate) fn corrupt(what: &'static str, error: impl Display) -> StoreError {
    StoreError::Corrupt { what, text: error.to_string() }
}

/// `NotFound` where a change met no row.
pub(crate) fn touched(result: &SqliteQueryResult, what: &'static str) -> Result<(), StoreError> {
    if result.rows_affected() == 0 { Err(StoreError::NotFound { what }) } else { Ok(()) }
}

pub(crate) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(|error| corrupt(column, error))
}

/// A column of text that a type can be parsed from.
pub(crate) fn parsed<T>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: FromStr,
    T::Err: Display,
{
    get::<&str>(row, column)?.parse().map_err(|error| corrupt(column, error))
}

/// A number that is stored as a signed one.
pub(crate) fn number<T>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: TryFrom<i64>,
    T::Error: Display,
{
    T::try_from(get::<i64>(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn signed(what: &'static str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|error| corrupt(what, error))
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(get(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn time_or_none(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = get(row, column)?;
    micros.map(Timestamp::from_microsecond).transpose().map_err(|error| corrupt(column, error))
}

pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt(what, error))
}

pub(crate) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(get(row, column)?).map_err(|error| corrupt(column, error))
}

pub(crate) fn json_or_none<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = get(row, column)?;
    text.map(serde_json::from_str).transpose().map_err(|error| corrupt(column, error))
}

/// The word that an enum without fields is written as.
pub(crate) fn word<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        Ok(other) => Err(corrupt(what, format!("{other} is no word"))),
        Err(error) => Err(corrupt(what, error)),
    }
}

/// Reads what `word` wrote.
pub(crate) fn from_word<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(get(row, column)?)).map_err(|error| corrupt(column, error))
}
