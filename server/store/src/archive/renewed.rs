//! The database that goes on: a fresh file that gets every table but the audit's, the closed part, and the entry that tells of it.

use super::copied::{attach, detach};
use super::places::{Places, finished};
use crate::SqliteStore;
use crate::audit::{append_in, enlist};
use crate::codec::{db, get};
use engine::audit::segment::NotClosed;
use engine::ports::{AuditStore as _, StoreError};
use model::audit::{AuditEntry, ChainState};
use model::segment::Segment;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

/// Tables that begin anew, or that the schema fills by itself; every other one is taken along.
const LEFT_BEHIND: [&str; 6] =
    ["audit", "audit_found", "audit_lists", "audit_spans", "audit_segments", "_sqlx_migrations"];
/// Tables of the full text, which begin anew as well.
const VIRTUAL: [&str; 2] = ["audit_index", "audit_terms"];

pub(super) async fn write(places: &Places, closed: &Segment, entry: AuditEntry) -> Result<(), NotClosed> {
    let path = places.next();
    let store = SqliteStore::build(&path).await?;
    let filled = filled(&store, places, closed, entry).await;
    store.close().await;
    filled?;
    let read = SqliteStore::open_closed(&path).await?;
    let state = crate::audit::verify_file(&read, closed.last, &closed.head).await;
    read.close().await;
    if !matches!(state?, ChainState::Whole { entries, .. } if entries == closed.last + 1) {
        return Err(NotClosed::Different { what: "the chain of the new database".to_owned() });
    }
    finished(&path, false)
}

async fn filled(store: &SqliteStore, places: &Places, closed: &Segment, entry: AuditEntry) -> Result<(), NotClosed> {
    {
        let mut one = store.writer().await?;
        attach(&mut one, &places.database).await?;
        fill(&mut one, closed, entry).await?;
        compare(&mut one).await?;
        detach(&mut one).await?;
    }
    store.derive().await?;
    Ok(())
}

/// In one transaction, which also keeps everybody from writing into the old file.
async fn fill(one: &mut SqliteConnection, closed: &Segment, entry: AuditEntry) -> Result<(), NotClosed> {
    run(one, "BEGIN IMMEDIATE".to_owned()).await?;
    for table in tables(one).await? {
        let columns = columns(one, &table).await?;
        let name = quoted(&table);
        run(one, format!("INSERT INTO main.{name} ({columns}) SELECT {columns} FROM source.{name} ORDER BY rowid"))
            .await?;
    }
    // Numbers that count on even where their rows are gone.
    run(one, "DELETE FROM main.sqlite_sequence".to_owned()).await?;
    run(one, "INSERT INTO main.sqlite_sequence SELECT name, seq FROM source.sqlite_sequence".to_owned()).await?;
    run(
        one,
        "INSERT INTO main.audit_segments (first, last, base, head, closed_at, bytes, digest, key, signature)
        SELECT first, last, base, head, closed_at, bytes, digest, key, signature FROM source.audit_segments ORDER BY last"
            .to_owned(),
    )
    .await?;
    enlist(one, closed).await?;
    append_in(one, entry).await?;
    run(one, "COMMIT".to_owned()).await?;
    Ok(())
}

/// Every table of the old file that is taken along.
async fn tables(one: &mut SqliteConnection) -> Result<Vec<String>, NotClosed> {
    let mut found = Vec::new();
    let rows = sqlx::query("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'source' ORDER BY name")
        .fetch_all(&mut *one)
        .await
        .map_err(db)?;
    for row in &rows {
        let (name, kind): (&str, &str) = (get(row, "name")?, get(row, "type")?);
        let known = match kind {
            "table" if name.starts_with("sqlite_") || LEFT_BEHIND.contains(&name) => continue,
            "table" => get::<i64>(row, "wr")? == 0,
            "virtual" => VIRTUAL.contains(&name),
            // What belongs to a virtual one, and what has no rows.
            _ => true,
        };
        if !known || (kind == "table" && !is_there(one, name).await?) {
            return Err(NotClosed::Foreign { what: name.to_owned() });
        }
        if kind == "table" {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

async fn is_there(one: &mut SqliteConnection, table: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT COUNT(*) > 0 FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ?",
    )
    .bind(table)
    .fetch_one(one)
    .await
    .map_err(db)
}

/// The names of a table's columns, as they stand in a statement.
async fn columns(one: &mut SqliteConnection, table: &str) -> Result<String, StoreError> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info(?, 'source') ORDER BY cid")
        .bind(table)
        .fetch_all(one)
        .await
        .map_err(db)?;
    let names = rows.iter().map(|row| get::<&str>(row, "name").map(quoted)).collect::<Result<Vec<_>, _>>()?;
    Ok(names.join(", "))
}

/// Whether as many rows are in each table, no reference leads nowhere, and every page is sound.
async fn compare(one: &mut SqliteConnection) -> Result<(), NotClosed> {
    for table in tables(one).await? {
        let name = quoted(&table);
        let sql = format!("SELECT (SELECT COUNT(*) FROM main.{name}) = (SELECT COUNT(*) FROM source.{name})");
        let same: bool = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *one).await.map_err(db)?;
        if !same {
            return Err(NotClosed::Different { what: table });
        }
    }
    let dangling = sqlx::query("PRAGMA main.foreign_key_check").fetch_all(&mut *one).await.map_err(db)?;
    let sound = sqlx::query("PRAGMA main.quick_check").fetch_one(&mut *one).await.map_err(db)?;
    let said: String = sound.try_get(0).map_err(db)?;
    if !dangling.is_empty() || said != "ok" {
        return Err(NotClosed::Different { what: format!("{} references lead nowhere, {said}", dangling.len()) });
    }
    Ok(())
}

/// The names in it are those of the schema itself, quoted; nothing else is put in.
async fn run(one: &mut SqliteConnection, sql: String) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(sql)).execute(one).await.map_err(db)?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
