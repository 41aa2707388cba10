use super::search::{SPAN_SQL, page_query};
use crate::SqliteStore;
use jiff::Timestamp;
use model::audit::{AuditCode, AuditFilter, Outcome};
use model::ids::{ClusterId, OperationId};
use model::risk::Risk;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

#[tokio::test]
async fn every_filter_is_answered_from_an_index() {
    let store = SqliteStore::open_in_memory().await.expect("open");
    let id = Uuid::from_u128(7);
    let filters = [
        (AuditFilter { who: Some("ops-1".into()), ..AuditFilter::default() }, "audit_who"),
        (AuditFilter { cluster: Some(ClusterId::from_uuid(id)), ..AuditFilter::default() }, "audit_cluster"),
        (AuditFilter { node: Some("pve1".into()), ..AuditFilter::default() }, "audit_node"),
        (AuditFilter { code: Some(AuditCode::SignedIn), ..AuditFilter::default() }, "audit_code"),
        (AuditFilter { outcome: Some(Outcome::Failed), ..AuditFilter::default() }, "audit_outcome"),
        (AuditFilter { operation: Some(OperationId::from_uuid(id)), ..AuditFilter::default() }, "audit_operation"),
        (AuditFilter { risk: Some(Risk::Disruptive), ..AuditFilter::default() }, "audit_risk"),
        (AuditFilter { before: Some(9), ..AuditFilter::default() }, "INTEGER PRIMARY KEY"),
        (AuditFilter { words: Some("pvecm".into()), ..AuditFilter::default() }, "VIRTUAL TABLE INDEX"),
    ];
    for (filter, index) in filters {
        let plan = plan_of(&store, &filter).await;
        assert!(plan.contains(index) && !plan.contains("SCAN f"), "{filter:?} is answered by: {plan}");
    }
}

#[tokio::test]
async fn a_filter_with_a_cursor_needs_no_sorting() {
    let store = SqliteStore::open_in_memory().await.expect("open");
    let filter = AuditFilter {
        who: Some("ops-1".into()),
        words: Some("pvecm".into()),
        before: Some(9),
        ..AuditFilter::default()
    };
    let plan = plan_of(&store, &filter).await;
    assert!(plan.contains("VIRTUAL TABLE INDEX") && !plan.contains("TEMP B-TREE"), "{plan}");
}

#[tokio::test]
async fn a_period_is_found_by_time_and_read_by_index() {
    let store = SqliteStore::open_in_memory().await.expect("open");
    let span = explained(&store, SPAN_SQL).await;
    assert!(span.contains("SEARCH audit_found USING COVERING INDEX audit_at"), "{span}");
    let mut filter =
        AuditFilter { from: Some(Timestamp::UNIX_EPOCH), until: Some(Timestamp::MAX), ..AuditFilter::default() };
    for index in ["INTEGER PRIMARY KEY", "audit_who"] {
        let query = page_query(&filter, Some((3, 9)), 50).expect("query");
        let plan = explained(&store, query.sql().as_str()).await;
        assert!(plan.contains(index) && !plan.contains("SCAN f") && !plan.contains("TEMP B-TREE"), "{plan}");
        filter.who = Some("ops-1".into());
    }
}

async fn plan_of(store: &SqliteStore, filter: &AuditFilter) -> String {
    explained(store, page_query(filter, None, 50).expect("query").sql().as_str()).await
}

async fn explained(store: &SqliteStore, sql: &str) -> String {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
        .fetch_all(&store.readers)
        .await
        .expect("explain");
    rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("; ")
}
