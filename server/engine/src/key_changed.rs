//! A machine that shows another host key than the pinned one: seen by whoever dials, written down once per change.

use crate::audit::Person;
use crate::context::Engine;
use crate::ports::StoreError;
use model::audit::{AuditCode, Outcome};
use model::inventory::{LogIn, Node};
use model::problem::{Problem, ProblemCode};

impl Engine {
    /// Keeps the offered key for a person to compare, marks the machine, and writes the audit entry; other problems and
    /// changes that are known do nothing.
    pub async fn note_changed_key(&self, who: &Person, node: &Node, problem: &Problem) {
        if problem.code != ProblemCode::HostKeyChanged {
            return;
        }
        if let Err(error) = self.write_changed_key(who, node, problem).await {
            tracing::error!(node.name = node.label(), store.error = %error, "a changed host key was not written down");
        }
    }

    async fn write_changed_key(&self, who: &Person, node: &Node, problem: &Problem) -> Result<(), StoreError> {
        let _one = self.noting.lock().await;
        let node = match self.store.node(node.id).await {
            Ok(node) => node,
            // Forgotten meanwhile.
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        if is_known(&node, problem.params.get("offered").map(String::as_str)) {
            return Ok(());
        }
        // The problem carries the fingerprint only; a person compares, and later pins, the whole key.
        let Ok(offered) = self.offered_by(&node).await else { return Ok(()) };
        let pinned = node.pin.as_ref().map(|pin| pin.key.fingerprint.clone()).unwrap_or_default();
        if pinned == offered.fingerprint || is_known(&node, Some(&offered.fingerprint)) {
            return Ok(());
        }
        let cluster = self.store.cluster(node.cluster).await?;
        let mut entry = self.audit.about(AuditCode::HostKeyMismatch, who, Outcome::Refused, &cluster);
        entry.node = Some(node.label().to_owned());
        entry.details.insert("pinned".to_owned(), pinned);
        entry.details.insert("offered".to_owned(), offered.fingerprint.clone());
        self.store.keep_offer(node.id, &offered).await?;
        self.audit.write(entry).await?;
        // Last, because it is what says that the change is known.
        self.store.set_log_in(node.id, &LogIn::KeyChanged { offered }).await
    }
}

fn is_known(node: &Node, offered: Option<&str>) -> bool {
    matches!(&node.log_in, LogIn::KeyChanged { offered: known } if Some(known.fingerprint.as_str()) == offered)
}
