//! What runs beside the requests, from the start of the console to its end.

use crate::backend::EVIDENCE_DAYS;
use crate::checkpoints;
use crate::config::Config;
use ed25519_dalek::SigningKey;
use engine::Engine;
use engine::audit::checkpoint::Checkpointer;
use engine::notify::Notifier;
use engine::ports::{AuditStore, CheckpointSink};
use std::sync::Arc;
use std::time::Duration;
use store::SqliteStore;
use tokio::task::JoinHandle;

/// How often expired sessions and old evidence are removed.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// How often what entries are found by is brought up to date while nobody looks.
const AUDIT_FOLLOW: Duration = Duration::from_secs(2);
/// How large that evidence may grow, in bytes.
const EVIDENCE_MAX_BYTES: u64 = 2_000_000_000;

/// Everything that goes on by itself; whoever stops the console ends it.
#[must_use]
pub fn start(engine: &Engine, store: &SqliteStore) -> Vec<JoinHandle<()>> {
    let (summaries, votes, agreements) = (engine.clone(), engine.clone(), engine.clone());
    vec![
        tokio::spawn(keep_house(engine.clone(), store.clone())),
        tokio::spawn(async move { summaries.summarise_hourly().await }),
        tokio::spawn(async move { votes.follow_lowered_votes().await }),
        tokio::spawn(async move { agreements.keep_agreements().await }),
        tokio::spawn(follow_audit(store.clone())),
        tokio::spawn(engine.chain.clone().run()),
    ]
}

/// Messages to the outside: one task makes them, and one for each place sends them; none where no place is named.
///
/// # Errors
/// When the store fails.
pub async fn messages(notifier: &Arc<Notifier>) -> anyhow::Result<Vec<JoinHandle<()>>> {
    notifier.begin().await?;
    let places = notifier.names().map(|name| tokio::spawn(Arc::clone(notifier).run_place(name)));
    let mut all: Vec<JoinHandle<()>> = places.collect();
    if !all.is_empty() {
        all.push(tokio::spawn(Arc::clone(notifier).run()));
    }
    Ok(all)
}

/// Who signs the audit's head.
#[must_use]
pub fn checkpointer(config: &Config, engine: &Engine, key: SigningKey, notifier: &Arc<Notifier>) -> Arc<Checkpointer> {
    let file = config.checkpoints.file.clone().unwrap_or_else(|| config.data.join(checkpoints::CHECKPOINT_FILE));
    let mut sinks: Vec<Arc<dyn CheckpointSink>> = vec![Arc::new(checkpoints::File::new(file))];
    if config.checkpoints.syslog {
        sinks.push(Arc::new(checkpoints::Syslog::default()));
    }
    if config.notify.webhook.is_some() {
        sinks.push(Arc::clone(notifier) as Arc<dyn CheckpointSink>);
    }
    let (store, clock) = (Arc::clone(&engine.store), Arc::clone(&engine.clock));
    Arc::new(Checkpointer::new(store, clock, key, sinks))
}

/// Entries are found at once even when nobody has looked for a while.
async fn follow_audit(store: SqliteStore) {
    let mut tick = tokio::time::interval(AUDIT_FOLLOW);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = store.derive().await {
            tracing::warn!(store.error = %error, "what entries are found by was not brought up to date");
        }
    }
}

async fn keep_house(engine: Engine, store: SqliteStore) {
    let mut tick = tokio::time::interval(HOUSEKEEPING);
    loop {
        tick.tick().await;
        let now = engine.clock.now();
        let before = now.checked_sub(jiff::Span::new().hours(24 * EVIDENCE_DAYS)).unwrap_or(now);
        let swept = async {
            engine.store.expire_sessions(now).await?;
            engine.store.expire(before).await?;
            store.trim_evidence(EVIDENCE_MAX_BYTES).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(store.error = %error, "old sessions and evidence were not removed");
        }
    }
}
