//! The only writer of the audit: two entries for every command that can change something.

use crate::limits::AUDIT_OUTPUT_MAX_BYTES;
use crate::ports::{Clock, Output, ShellError, Store, StoreError};
use model::audit::{AuditCode, AuditEntry, ChainedEntry, Outcome};
use model::ids::OperationId;
use model::inventory::Cluster;
use model::operation::Operation;
use pve::{CommandLine, clean_text_within};
use std::sync::Arc;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
}

impl Person {
    /// The console itself, for what nobody asked for at this moment.
    #[must_use]
    pub fn system() -> Self {
        Self { name: "system".to_owned() }
    }
}

/// The first half of a pair.
#[derive(Debug, Clone)]
pub struct Started {
    entry: AuditEntry,
    index: u64,
}

/// Writes entries.
#[derive(Clone)]
pub struct Recorder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// An entry of now, to be completed by the caller.
    #[must_use]
    pub fn entry(&self, code: AuditCode, who: &Person, outcome: Outcome) -> AuditEntry {
        AuditEntry::new(self.clock.now(), code, who.name.clone(), outcome)
    }

    /// An entry about a cluster.
    #[must_use]
    pub fn about(&self, code: AuditCode, who: &Person, outcome: Outcome, cluster: &Cluster) -> AuditEntry {
        let mut entry = self.entry(code, who, outcome);
        entry.cluster = Some(cluster.id);
        entry.cluster_name = Some(cluster.name.to_string());
        entry
    }

    /// What people call an operation's cluster here at this moment; corosync.conf may have another name, and so may the plan.
    pub(crate) async fn name_of_cluster(&self, operation: &Operation) -> String {
        match self.store.cluster(operation.cluster).await {
            Ok(cluster) => cluster.name.to_string(),
            // Forgotten since. A store that fails refuses the entry itself, too.
            Err(_) => operation.plan.facts.cluster_name.clone().unwrap_or_else(|| operation.plan.target.clone()),
        }
    }

    /// Writes an entry by itself.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn write(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.store.append(entry).await.map(|_| ())
    }

    /// Writes the first half of a pair; on disk before the command leaves.
    ///
    /// # Errors
    /// When it is not on disk: then the command must not run.
    pub async fn command_started(
        &self,
        who: &Person,
        operation: &Operation,
        step: u16,
        node: &str,
        command: &CommandLine,
        unit: Option<&str>,
    ) -> Result<Started, StoreError> {
        self.started(who, operation, step, node, command.display(), unit).await
    }

    /// The same for a command that does not run on that node and concerns it, as people read it.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn outside_started(
        &self,
        who: &Person,
        operation: &Operation,
        step: u16,
        node: &str,
        shown: String,
    ) -> Result<Started, StoreError> {
        self.started(who, operation, step, node, shown, None).await
    }

    async fn started(
        &self,
        who: &Person,
        operation: &Operation,
        step: u16,
        node: &str,
        command: String,
        unit: Option<&str>,
    ) -> Result<Started, StoreError> {
        let mut entry = self.entry(AuditCode::CommandStarted, who, Outcome::Started);
        entry.cluster = Some(operation.cluster);
        entry.cluster_name = Some(self.name_of_cluster(operation).await);
        entry.node = Some(node.to_owned());
        entry.operation = Some(operation.id);
        entry.step = Some(step);
        entry.risk = Some(operation.plan.risk);
        entry.command = Some(command);
        entry.reason = Some(operation.reason.clone()).filter(|reason| !reason.is_empty());
        if let Some(unit) = unit {
            entry.details.insert("unit".to_owned(), unit.to_owned());
        }
        let chained = self.store.append(entry.clone()).await?;
        Ok(Started { entry, index: chained.index })
    }

    /// Writes the second half.
    ///
    /// # Errors
    /// When it is not on disk.
    pub async fn command_finished(
        &self,
        started: Started,
        result: &Result<Output, ShellError>,
    ) -> Result<(), StoreError> {
        let mut entry = started.entry;
        entry.at = self.clock.now();
        entry.code = AuditCode::CommandFinished;
        entry.details.insert(super::DETAIL_STARTED.to_owned(), started.index.to_string());
        match result {
            Ok(output) => {
                entry.exit = output.exit;
                entry.millis = Some(u64::from(output.millis));
                entry.output = shown(output);
                entry.outcome = if output.success() { Outcome::Success } else { Outcome::Failed };
            }
            Err(error) => {
                entry.outcome = Outcome::Unknown;
                entry.details.insert("error".to_owned(), error.to_string());
            }
        }
        self.store.append(entry).await.map(|_| ())
    }

    /// At start-up: commands whose second half never came get it now, as unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn close_unpaired(&self) -> Result<usize, StoreError> {
        let open = self.store.unpaired().await?;
        self.close(&open).await
    }

    /// The same for one operation that was ended in the middle.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn close_unpaired_of(&self, operation: OperationId) -> Result<usize, StoreError> {
        let mut open = self.store.unpaired().await?;
        open.retain(|one| one.entry.operation == Some(operation));
        self.close(&open).await
    }

    async fn close(&self, open: &[ChainedEntry]) -> Result<usize, StoreError> {
        for chained in open {
            let mut entry = chained.entry.clone();
            entry.at = self.clock.now();
            entry.code = AuditCode::OutcomeUnknown;
            entry.outcome = Outcome::Unknown;
            entry.details.insert(super::DETAIL_STARTED.to_owned(), chained.index.to_string());
            self.store.append(entry).await?;
        }
        Ok(open.len())
    }
}

/// Standard output, then standard error, cleaned and cut.
pub(crate) fn shown(output: &Output) -> Option<String> {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.stderr.is_empty() {
        text.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    let cleaned: Vec<String> = text.lines().map(|line| clean_text_within(line, AUDIT_OUTPUT_MAX_BYTES)).collect();
    let mut joined = cleaned.join("\n");
    if joined.len() > AUDIT_OUTPUT_MAX_BYTES {
        let end = (0..=AUDIT_OUTPUT_MAX_BYTES).rev().find(|at| joined.is_char_boundary(*at)).unwrap_or(0);
        joined.truncate(end);
        joined.push_str("\n[…]");
    }
    (!joined.trim().is_empty()).then_some(joined)
}
