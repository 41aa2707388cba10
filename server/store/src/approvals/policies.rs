//! The policy of a cluster: its switch, and its own lines.

use crate::codec::{corrupt, db, get, json_or_none, refused, to_json, touched};
use engine::ports::StoreError;
use model::ids::ClusterId;
use model::policy::Policy;
use sqlx::SqliteConnection;

pub(super) async fn of(tx: &mut SqliteConnection, cluster: ClusterId) -> Result<Policy, StoreError> {
    let row = sqlx::query(
        "SELECT protected, lines FROM clusters LEFT JOIN policies ON policies.cluster = clusters.id WHERE clusters.id = ?",
    )
    .bind(cluster.to_string())
    .fetch_optional(tx)
    .await
    .map_err(db)?
    .ok_or(StoreError::NotFound { what: "cluster" })?;
    // The column of the cluster is the switch that counts.
    let lines: Policy = json_or_none(&row, "lines")?.unwrap_or_default();
    Ok(Policy { protected: get(&row, "protected")?, ..lines })
}

pub(super) async fn set(tx: &mut SqliteConnection, cluster: ClusterId, policy: &Policy) -> Result<(), StoreError> {
    policy.check().map_err(|fault| corrupt("policy", fault))?;
    // Who changes another line leaves the switch to whoever decides about it, or to the guests.
    let decided = of(&mut *tx, cluster).await?.protected != policy.protected;
    let result = sqlx::query("UPDATE clusters SET protected = ? WHERE id = ?")
        .bind(policy.protected)
        .bind(cluster.to_string())
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    touched(&result, "cluster")?;
    sqlx::query(
        "INSERT INTO policies (cluster, lines, switch_decided) VALUES (?, ?, ?) ON CONFLICT (cluster) DO UPDATE
         SET lines = excluded.lines, switch_decided = MAX(switch_decided, excluded.switch_decided)",
    )
    .bind(cluster.to_string())
    .bind(to_json("policy", policy)?)
    .bind(decided)
    .execute(tx)
    .await
    .map_err(refused("policy", "cluster"))?;
    Ok(())
}

/// Once somebody has decided about the switch it is theirs, whichever way it stands.
pub(crate) async fn protect_undecided(tx: &mut SqliteConnection, cluster: ClusterId) -> Result<bool, StoreError> {
    let result = sqlx::query(
        "UPDATE clusters SET protected = 1
         WHERE id = ?1 AND protected = 0
         AND NOT EXISTS (SELECT 1 FROM policies WHERE cluster = ?1 AND switch_decided)",
    )
    .bind(cluster.to_string())
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(result.rows_affected() > 0)
}
