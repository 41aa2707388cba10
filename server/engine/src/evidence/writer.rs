//! Keeps what watching saw, without making anybody wait for the disk.

use crate::limits::{EVIDENCE_BATCH_MAX, EVIDENCE_FLUSH_PAUSE, EVIDENCE_QUEUE_MAX};
use crate::ports::Store;
use crate::watch::counts::Counts;
use model::ids::ClusterId;
use model::observation::Evidence;
use model::reading::EvidenceGap;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A bounded queue with one task behind it, which runs while something waits. Cheap to clone.
#[derive(Clone)]
pub struct EvidenceWriter {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    counts: Arc<Counts>,
    waiting: Mutex<VecDeque<(ClusterId, Evidence)>>,
    /// What is missing, of each cluster from which something is.
    gaps: Mutex<BTreeMap<ClusterId, EvidenceGap>>,
    /// A whole batch waits.
    full: Notify,
    running: AtomicBool,
    /// One batch at a time, in order.
    writing: tokio::sync::Mutex<()>,
}

impl EvidenceWriter {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, counts: Arc<Counts>) -> Self {
        let shared = Shared {
            store,
            counts,
            waiting: Mutex::default(),
            gaps: Mutex::default(),
            full: Notify::new(),
            running: AtomicBool::new(false),
            writing: tokio::sync::Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes one answer; never waits. Where too many wait, the oldest goes and is counted.
    pub fn keep(&self, cluster: ClusterId, evidence: Evidence) {
        let shared = &self.shared;
        let mut waiting = shared.lock();
        if waiting.len() >= EVIDENCE_QUEUE_MAX
            && let Some((of, dropped)) = waiting.pop_front()
        {
            shared.miss(of, &dropped);
        }
        waiting.push_back((cluster, evidence));
        if waiting.len() >= EVIDENCE_BATCH_MAX {
            shared.full.notify_one();
        }
        // Under the lock: a task that ends has seen the queue empty.
        if let Ok(runtime) = Handle::try_current()
            && !shared.running.swap(true, Ordering::AcqRel)
        {
            runtime.spawn(write_on(Arc::clone(shared)));
        }
    }

    /// What of a cluster was not kept since the console started.
    #[must_use]
    pub fn gap(&self, cluster: ClusterId) -> Option<EvidenceGap> {
        self.shared.gaps().get(&cluster).cloned()
    }

    /// The cluster is being forgotten.
    pub fn forget(&self, cluster: ClusterId) {
        self.shared.gaps().remove(&cluster);
    }

    /// Returns once everything that was taken until now is on disk, or could not be. What is taken meanwhile is not waited for.
    pub async fn flush(&self) {
        let batches = self.shared.lock().len().div_ceil(EVIDENCE_BATCH_MAX);
        for _ in 0..batches {
            if !self.shared.write_batch().await {
                return;
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(ClusterId, Evidence)>> {
        // A panic while holding it can only come from an allocation; the data is still whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gaps(&self) -> MutexGuard<'_, BTreeMap<ClusterId, EvidenceGap>> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn miss(&self, cluster: ClusterId, evidence: &Evidence) {
        Counts::add(&self.counts.evidence_dropped);
        let mut gaps = self.gaps();
        let new = || EvidenceGap { since: evidence.at, until: evidence.at, answers: 0 };
        let gap = gaps.entry(cluster).or_insert_with(new);
        gap.since = gap.since.min(evidence.at);
        gap.until = gap.until.max(evidence.at);
        gap.answers = gap.answers.saturating_add(1);
    }

    /// False where nothing waited.
    async fn write_batch(&self) -> bool {
        let _turn = self.writing.lock().await;
        let batch: Vec<(ClusterId, Evidence)> = {
            let mut waiting = self.lock();
            let count = waiting.len().min(EVIDENCE_BATCH_MAX);
            waiting.drain(..count).collect()
        };
        if batch.is_empty() {
            return false;
        }
        if let Err(error) = self.store.keep_all(&batch).await {
            tracing::warn!(store.error = %error, evidence.count = batch.len(), "evidence was not kept");
            batch.iter().for_each(|(cluster, evidence)| self.miss(*cluster, evidence));
        }
        true
    }

    fn is_done(&self) -> bool {
        let waiting = self.lock();
        if waiting.is_empty() {
            self.running.store(false, Ordering::Release);
        }
        waiting.is_empty()
    }
}

async fn write_on(shared: Arc<Shared>) {
    let mut told = 0;
    loop {
        let due = Instant::now() + EVIDENCE_FLUSH_PAUSE;
        tokio::select! {
            () = sleep_until(due) => {}
            () = shared.full.notified() => {}
        }
        shared.write_batch().await;
        let dropped = Counts::get(&shared.counts.evidence_dropped);
        if dropped > told {
            tracing::warn!(evidence.dropped = dropped, "more evidence came than could be kept");
            told = dropped;
        }
        if shared.is_done() {
            return;
        }
    }
}
