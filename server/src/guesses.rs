//! Passwords of machines that are tried through the console: after wrong ones a machine waits as an account does.

use crate::accounts::still_waits;
use crate::accounts::turns::Turns;
use crate::strangers::Strangers;
use model::Timestamp;
use model::inventory::Node;
use model::problem::Problem;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// What was tried on which machine since the console started. Cheap to clone.
#[derive(Clone, Default)]
pub struct Guesses {
    tried: Arc<Strangers>,
    turns: Turns,
}

impl Guesses {
    /// Waits for the machine's turn: of many tries that come together each sees what the others have cost.
    pub(crate) async fn turn(&self, node: &Node) -> OwnedMutexGuard<()> {
        self.turns.take(&machine(node)).await
    }

    /// `TooManyAttempts` as long as the machine waits.
    pub(crate) fn still_waits(&self, node: &Node, now: Timestamp) -> Option<Problem> {
        still_waits(self.tried.locked_until(&machine(node)), now)
    }

    pub(crate) fn note_failure(&self, node: &Node, now: Timestamp) {
        self.tried.note_failure(&machine(node), now);
    }

    /// The password was right: the count begins anew.
    pub(crate) fn forget(&self, node: &Node) {
        self.tried.forget(&machine(node));
    }
}

/// By its host key: taken off the list and added again, or listed in two clusters, it is the same machine.
fn machine(node: &Node) -> String {
    node.pin.as_ref().map_or_else(|| node.id.to_string(), |pin| pin.key.fingerprint.clone())
}
