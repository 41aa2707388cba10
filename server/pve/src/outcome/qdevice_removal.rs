//! `pvecm qdevice remove`.

use super::Words;
use crate::answer::Answer;

/// What the removal did, as far as its own words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalOutcome {
    Removed,
    /// A check refused it; nothing was changed.
    Refused {
        text: String,
    },
    Unclear {
        text: String,
    },
}

/// The words of the checks that `pvecm` makes before it changes anything.
const REFUSALS: [&str; 4] =
    ["All nodes must be online", "No QDevice configured", "is this node part of a cluster?", "cluster not ready"];

/// Reads everything that one `pvecm qdevice remove` printed.
#[must_use]
pub fn qdevice_removal(answer: Answer<'_>) -> RemovalOutcome {
    let words = Words::of(answer);
    let removed = words.stdout.lines().any(|line| line.trim() == "Removed Qdevice.");
    if removed && answer.exit == 0 {
        return RemovalOutcome::Removed;
    }
    match words.find(&REFUSALS) {
        Some(text) if !removed => RemovalOutcome::Refused { text },
        _ => RemovalOutcome::Unclear { text: words.failure() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stdout: &str, stderr: &str, exit: i32) -> RemovalOutcome {
        qdevice_removal(Answer::new(stdout.as_bytes(), stderr.as_bytes(), exit))
    }

    #[test]
    fn only_its_last_word_says_that_it_is_removed() {
        // Recorded on Proxmox VE 9.2.
        assert_eq!(said("Reloading corosync.conf...\nDone\n\nRemoved Qdevice.\n", "", 0), RemovalOutcome::Removed);
        let offline = "All nodes must be online! Node pve5 is offline, aborting.\n";
        assert_eq!(said("", offline, 255), RemovalOutcome::Refused { text: offline.trim().to_owned() });
        let half = said("Reloading corosync.conf...\n", "ERROR from reload\n", 255);
        assert!(matches!(half, RemovalOutcome::Unclear { .. }), "{half:?}");
        assert!(matches!(said("Reloading corosync.conf...\n", "", 124), RemovalOutcome::Unclear { .. }));
    }
}
