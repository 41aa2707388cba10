//! Raw outputs behind what was shown, with limits by age and size.

use crate::SqliteStore;
use crate::codec::{corrupt, db, get, json, micros, number, refused, signed, time, to_json};
use async_trait::async_trait;
use engine::ports::{EvidenceStore, StoreError};
use jiff::Timestamp;
use model::approval::Request;
use model::ids::{ClusterId, OperationId, RequestId};
use model::observation::{Evidence, Fact, KeptEvidence};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, Transaction};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// Rows that one transaction deletes, so that the journal never waits long.
const EXPIRE_BLOCK_ROWS: i64 = 2_000;
/// The longest list, in rows.
const LIST_MAX: u32 = 1_000;
/// Answers that are bound to a request at one moment, in rows, the newest first: far more than 32 nodes are asked for.
const RELIED_MAX_ROWS: i64 = 4_000;
/// Answers that were last seen longer than an hour before are of another matter, in microseconds.
const RELIED_SINCE_MICROS: i64 = 3_600_000_000;
/// When something is bound to a request: when it is asked for, and when somebody agrees, which happens once.
const MOMENTS: i64 = 2;
/// What a row costs besides its text, in bytes: its numbers and its places in the indexes.
const ROW_OVERHEAD_BYTES: usize = 250;

#[async_trait]
impl EvidenceStore for SqliteStore {
    async fn keep(
        &self,
        cluster: ClusterId,
        operation: Option<OperationId>,
        evidence: &Evidence,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        insert(&mut tx, cluster, operation, evidence, None).await?;
        tx.commit().await.map_err(db)
    }

    async fn keep_all(&self, seen: &[(ClusterId, Evidence)]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let mut known: BTreeMap<ClusterId, bool> = BTreeMap::new();
        for (cluster, evidence) in seen {
            // A cluster that was forgotten meanwhile takes the rest of its evidence along.
            let there = match known.get(cluster) {
                Some(there) => *there,
                None => {
                    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM clusters WHERE id = ?)")
                        .bind(cluster.to_string())
                        .fetch_one(&mut *tx)
                        .await
                        .map_err(db)?;
                    known.insert(*cluster, there);
                    there
                }
            };
            if there {
                again_or_new(&mut tx, *cluster, evidence).await?;
            }
        }
        tx.commit().await.map_err(db)
    }

    async fn hold(&self, cluster: ClusterId, operation: OperationId) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "UPDATE evidence SET operation = ? WHERE operation IS NULL AND id IN
                 (SELECT MAX(id) FROM evidence WHERE cluster = ? GROUP BY node, command)",
        )
        .bind(operation.to_string())
        .bind(cluster.to_string())
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(result.rows_affected())
    }

    async fn evidence_of(
        &self,
        cluster: ClusterId,
        node: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Evidence>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM evidence WHERE cluster = ");
        query.push_bind(cluster.to_string());
        if let Some(node) = node {
            query.push(" AND node = ").push_bind(node.to_owned());
        }
        query.push(" ORDER BY last_at DESC, id DESC LIMIT ").push_bind(i64::from(limit.min(LIST_MAX)));
        let rows = query.build().fetch_all(&self.readers).await.map_err(db)?;
        rows.iter().map(evidence_of).collect()
    }

    async fn behind(
        &self,
        cluster: ClusterId,
        node: &str,
        command: &str,
        at: Timestamp,
    ) -> Result<KeptEvidence, StoreError> {
        // Facts carry the time at which they were asked for.
        let row = sqlx::query(
            "SELECT *, (SELECT MIN(request) FROM evidence_relied WHERE evidence_relied.evidence = evidence.id) AS request
             FROM evidence WHERE cluster = ? AND node = ? AND command = ? AND at - millis * 1000 <= ?
             AND last_at >= ? ORDER BY id DESC LIMIT 1",
        )
        .bind(cluster.to_string())
        .bind(node)
        .bind(command)
        .bind(micros(at))
        .bind(micros(at))
        .fetch_optional(&self.readers)
        .await
        .map_err(db)?
        .ok_or(StoreError::NotFound { what: "evidence" })?;
        Ok(KeptEvidence {
            evidence: evidence_of(&row)?,
            last_at: time(&row, "last_at")?,
            times: number(&row, "times")?,
            operation: id_or_none(&row, "operation")?,
            request: id_or_none(&row, "request")?,
        })
    }

    async fn expire(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let mut tx = self.write().await?;
            let result = sqlx::query(
                "DELETE FROM evidence WHERE id IN (SELECT id FROM evidence
                     WHERE operation IS NULL AND relied = 0 AND last_at < ? ORDER BY last_at, id LIMIT ?)",
            )
            .bind(micros(before))
            .bind(EXPIRE_BLOCK_ROWS)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
            tx.commit().await.map_err(db)?;
            if result.rows_affected() == 0 {
                return Ok(gone);
            }
            gone += result.rows_affected();
        }
    }

    async fn relied_on(&self, request: RequestId) -> Result<Vec<Fact<()>>, StoreError> {
        let rows = sqlx::query(
            "SELECT node, command, at, millis FROM evidence_relied JOIN evidence ON evidence.id = evidence_relied.evidence
             WHERE evidence_relied.request = ? ORDER BY node, command, evidence.id LIMIT ?",
        )
        .bind(request.to_string())
        .bind(RELIED_MAX_ROWS * MOMENTS)
        .fetch_all(&self.readers)
        .await
        .map_err(db)?;
        rows.iter().map(source_of).collect()
    }
}

/// Binds the newest answer of each command and node of its cluster within the last hour to a request, so that neither age nor size takes them away.
///
/// In the transaction that writes the request down, and in the one in which somebody agrees to it.
pub(crate) async fn rely(tx: &mut SqliteConnection, request: &Request) -> Result<(), StoreError> {
    // A change of the policy rests on no node.
    if request.subject.plan().is_none() {
        return Ok(());
    }
    sqlx::query(
        "INSERT OR IGNORE INTO evidence_relied (request, evidence)
         SELECT ?1, id FROM evidence
         WHERE id IN (SELECT MAX(id) FROM evidence WHERE cluster = ?2 AND last_at >= ?4 GROUP BY node, command)
         ORDER BY last_at DESC, id DESC LIMIT ?3",
    )
    .bind(request.id.to_string())
    .bind(request.cluster.to_string())
    .bind(RELIED_MAX_ROWS)
    .bind(micros(request.requested_at).saturating_sub(RELIED_SINCE_MICROS))
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query(
        "UPDATE evidence SET relied = 1
         WHERE relied = 0 AND id IN (SELECT evidence FROM evidence_relied WHERE request = ?)",
    )
    .bind(request.id.to_string())
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// The newest row of the same command on the same node, where it says the same, else a new row.
async fn again_or_new(
    tx: &mut Transaction<'_, Sqlite>,
    cluster: ClusterId,
    evidence: &Evidence,
) -> Result<(), StoreError> {
    let digest = sameness(evidence);
    let newest: Option<(i64, Option<Vec<u8>>)> = sqlx::query_as(
        "SELECT id, digest FROM evidence WHERE cluster = ? AND node = ? AND command = ? ORDER BY id DESC LIMIT 1",
    )
    .bind(cluster.to_string())
    .bind(&evidence.node)
    .bind(&evidence.command)
    .fetch_optional(&mut **tx)
    .await
    .map_err(db)?;
    match newest {
        Some((id, Some(old))) if old == digest => {
            sqlx::query("UPDATE evidence SET last_at = MAX(last_at, ?), times = times + 1 WHERE id = ?")
                .bind(micros(evidence.at))
                .bind(id)
                .execute(&mut **tx)
                .await
                .map_err(db)?;
            Ok(())
        }
        _ => insert(tx, cluster, None, evidence, Some(digest)).await,
    }
}

async fn insert(
    tx: &mut Transaction<'_, Sqlite>,
    cluster: ClusterId,
    operation: Option<OperationId>,
    evidence: &Evidence,
    digest: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let lines = to_json("lines", &evidence.lines)?;
    let bytes = lines.len() + evidence.command.len() + evidence.node.len() + ROW_OVERHEAD_BYTES;
    sqlx::query(
        "INSERT INTO evidence (cluster, node, command, exit, at, millis, lines, cut, bytes, last_at, digest, operation)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(cluster.to_string())
    .bind(&evidence.node)
    .bind(&evidence.command)
    .bind(evidence.exit)
    .bind(micros(evidence.at))
    .bind(evidence.millis)
    .bind(lines)
    .bind(evidence.cut)
    .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
    .bind(micros(evidence.at))
    .bind(digest)
    .bind(operation.map(|id| id.to_string()))
    .execute(&mut **tx)
    .await
    .map_err(refused("evidence", "cluster"))?;
    Ok(())
}

/// How lines begin that differ each time and say nothing: the time that corosync's tools print, and in `.version` how
/// often the HA manager has written its file and how many tasks there were.
const RESTLESS: [&str; 3] = ["Date:", "\"ha/manager_status\":", "\"tasklist\":"];

/// What makes two answers the same: everything but the restless lines.
fn sameness(evidence: &Evidence) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(format!("{:?} {}\n", evidence.exit, evidence.cut));
    for line in evidence.lines.iter().filter(|line| !RESTLESS.iter().any(|start| line.text.starts_with(start))) {
        hash.update(line.text.as_bytes());
        hash.update([b'\n', u8::from(line.guilty)]);
    }
    hash.finalize().to_vec()
}

impl SqliteStore {
    /// Deletes the oldest evidence on which neither an operation nor a request relies, until the rest of it counts at most `max_bytes`; returns how many rows went.
    ///
    /// # Errors
    /// `Database` when SQLite refuses.
    pub async fn trim_evidence(&self, max_bytes: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let result = sqlx::query(
            "DELETE FROM evidence WHERE id IN (
                 SELECT id FROM (SELECT id, SUM(bytes) OVER (ORDER BY last_at DESC, id DESC) AS so_far FROM evidence
                     WHERE operation IS NULL AND relied = 0) AS newest_first
                 WHERE so_far > ?)",
        )
        .bind(signed("size limit", max_bytes)?)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(result.rows_affected())
    }

    /// What all evidence counts, in bytes.
    ///
    /// # Errors
    /// `Database` when it cannot be read.
    pub async fn evidence_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = sqlx::query_scalar("SELECT COALESCE(SUM(bytes), 0) FROM evidence")
            .fetch_one(&self.readers)
            .await
            .map_err(db)?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}

fn evidence_of(row: &SqliteRow) -> Result<Evidence, StoreError> {
    Ok(Evidence {
        node: get(row, "node")?,
        command: get(row, "command")?,
        exit: get(row, "exit")?,
        at: time(row, "at")?,
        millis: number(row, "millis")?,
        lines: json(row, "lines")?,
        cut: get(row, "cut")?,
    })
}

/// Where an answer comes from, and when it was asked for.
fn source_of(row: &SqliteRow) -> Result<Fact<()>, StoreError> {
    let at = engine::evidence::asked(time(row, "at")?, number(row, "millis")?);
    Ok(Fact { value: (), node: get(row, "node")?, command: get(row, "command")?, at })
}

fn id_or_none<T>(row: &SqliteRow, column: &'static str) -> Result<Option<T>, StoreError>
where
    T: FromStr,
    T::Err: Display,
{
    get::<Option<&str>>(row, column)?.map(|id| id.parse().map_err(|error| corrupt(column, error))).transpose()
}
