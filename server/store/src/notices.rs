//! Messages on their way out.

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{db, get, json, json_or_none, micros, number, parsed, signed, time, time_or_none, to_json, touched};
use async_trait::async_trait;
use engine::ports::{Delivery, Fate, NoticeStore, Outgoing, PlaceState, Queue, StoreError};
use jiff::Timestamp;
use model::audit::AuditEntry;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeSet;
use uuid::Uuid;

const WHAT: &str = "message";

#[async_trait]
impl NoticeStore for SqliteStore {
    async fn notice_cursor(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query("SELECT entry FROM notice_cursor").fetch_optional(&self.readers).await.map_err(db)?;
        row.map(|row| number(&row, "entry")).transpose()
    }

    async fn settle_places(&self, places: &[String]) -> Result<(), StoreError> {
        let names = to_json("places", &places)?;
        let mut tx = self.write().await?;
        for statement in [
            "DELETE FROM notices WHERE place NOT IN (SELECT value FROM json_each(?))",
            "DELETE FROM notice_places WHERE place NOT IN (SELECT value FROM json_each(?))",
        ] {
            sqlx::query(statement).bind(&names).execute(&mut *tx).await.map_err(db)?;
        }
        if places.is_empty() {
            sqlx::query("DELETE FROM notice_cursor").execute(&mut *tx).await.map_err(db)?;
        }
        tx.commit().await.map_err(db)
    }

    async fn keep_notices(
        &self,
        cursor: Option<u64>,
        outgoing: &[Outgoing],
        at: Timestamp,
        most: u32,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        for one in outgoing {
            sqlx::query("INSERT INTO notices (id, place, notice, made_at, next_at) VALUES (?, ?, ?, ?, ?)")
                .bind(one.id.to_string())
                .bind(&one.place)
                .bind(to_json(WHAT, &one.notice)?)
                .bind(micros(at))
                .bind(micros(at))
                .execute(&mut *tx)
                .await
                .map_err(db)?;
        }
        let places: BTreeSet<&String> = outgoing.iter().map(|one| &one.place).collect();
        let mut given_up = 0;
        for place in places {
            given_up += give_up_oldest(&mut tx, place, most).await?;
        }
        if let Some(entry) = cursor {
            sqlx::query(
                "INSERT INTO notice_cursor (one, entry) VALUES (1, ?)
                 ON CONFLICT (one) DO UPDATE SET entry = excluded.entry",
            )
            .bind(signed("cursor", entry)?)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        }
        tx.commit().await.map_err(db)?;
        Ok(given_up)
    }

    async fn due_notice(&self, place: &str, now: Timestamp) -> Result<Option<Delivery>, StoreError> {
        let row = sqlx::query(
            "SELECT id, notice, made_at, tries FROM notices WHERE place = ? AND next_at <= ?
             ORDER BY tries, number LIMIT 1",
        )
        .bind(place)
        .bind(micros(now))
        .fetch_optional(&self.readers)
        .await
        .map_err(db)?;
        row.as_ref().map(delivery).transpose()
    }

    async fn notice_queue(&self, place: &str) -> Result<Queue, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS waiting, MIN(made_at) AS oldest FROM notices WHERE place = ?")
            .bind(place)
            .fetch_one(&self.readers)
            .await
            .map_err(db)?;
        Ok(Queue { waiting: number(&row, "waiting")?, oldest: time_or_none(&row, "oldest")? })
    }

    async fn place_state(&self, place: &str) -> Result<PlaceState, StoreError> {
        let row = sqlx::query("SELECT * FROM notice_places WHERE place = ?")
            .bind(place)
            .fetch_optional(&self.readers)
            .await
            .map_err(db)?;
        let Some(row) = row else { return Ok(PlaceState::default()) };
        Ok(PlaceState {
            failures: number(&row, "failures")?,
            failing_since: time_or_none(&row, "failing_since")?,
            told: get(&row, "told")?,
            resume_at: time_or_none(&row, "resume_at")?,
            last_failure: time_or_none(&row, "failed_at")?.zip(json_or_none(&row, "problem")?),
            delivered_at: time_or_none(&row, "delivered_at")?,
            given_up: number(&row, "given_up")?,
        })
    }

    async fn put_place(
        &self,
        place: &str,
        state: &PlaceState,
        fate: Fate,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        write_state(&mut tx, place, state, matches!(fate, Fate::GivenUp(_))).await?;
        match fate {
            Fate::None => {}
            Fate::Arrived(id) | Fate::GivenUp(id) => remove(&mut tx, id).await?,
            Fate::Later { id, tries, next_at } => delay(&mut tx, id, tries, next_at).await?,
        }
        for entry in audit {
            append_in(&mut tx, entry).await?;
        }
        tx.commit().await.map_err(db)
    }
}

async fn write_state(
    tx: &mut SqliteConnection,
    place: &str,
    state: &PlaceState,
    given_up: bool,
) -> Result<(), StoreError> {
    let (failed_at, problem) = state.last_failure.as_ref().map(|(at, problem)| (*at, problem)).unzip();
    let problem = problem.map(|problem| to_json("problem", problem)).transpose()?;
    sqlx::query(
        "INSERT INTO notice_places
         (place, failures, failing_since, told, resume_at, failed_at, problem, delivered_at, given_up)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (place) DO UPDATE SET failures = excluded.failures, failing_since = excluded.failing_since,
         told = excluded.told, resume_at = excluded.resume_at, failed_at = excluded.failed_at,
         problem = excluded.problem, delivered_at = excluded.delivered_at, given_up = given_up + excluded.given_up",
    )
    .bind(place)
    .bind(i64::from(state.failures))
    .bind(state.failing_since.map(micros))
    .bind(state.told)
    .bind(state.resume_at.map(micros))
    .bind(failed_at.map(micros))
    .bind(problem)
    .bind(state.delivered_at.map(micros))
    .bind(i64::from(given_up))
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Another console on the same file cannot be; a message that is gone was pushed out by newer ones meanwhile.
async fn remove(tx: &mut SqliteConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM notices WHERE id = ?").bind(id.to_string()).execute(tx).await.map_err(db)?;
    Ok(())
}

async fn delay(tx: &mut SqliteConnection, id: Uuid, tries: u32, next_at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE notices SET tries = ?, next_at = ? WHERE id = ?")
        .bind(i64::from(tries))
        .bind(micros(next_at))
        .bind(id.to_string())
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}

/// What is beyond the limit of one place.
async fn give_up_oldest(tx: &mut SqliteConnection, place: &str, most: u32) -> Result<u64, StoreError> {
    let result = sqlx::query(
        "DELETE FROM notices WHERE place = ?1 AND number NOT IN
         (SELECT number FROM notices WHERE place = ?1 ORDER BY number DESC LIMIT ?2)",
    )
    .bind(place)
    .bind(i64::from(most))
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    let gone = result.rows_affected();
    if gone > 0 {
        let counted = sqlx::query(
            "INSERT INTO notice_places (place, given_up) VALUES (?, ?)
             ON CONFLICT (place) DO UPDATE SET given_up = given_up + excluded.given_up",
        )
        .bind(place)
        .bind(signed("messages", gone)?)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        touched(&counted, "place")?;
    }
    Ok(gone)
}

fn delivery(row: &SqliteRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: parsed(row, "id")?,
        notice: json(row, "notice")?,
        made_at: time(row, "made_at")?,
        tries: number(row, "tries")?,
    })
}
