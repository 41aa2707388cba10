//! `pvecm expected`.

use super::Words;
use crate::answer::Answer;

/// The words by which corosync, or `pvecm` before it, says no.
const REFUSALS: [&str; 3] =
    ["Unable to set expected votes", "Parameter verification failed", "is this node part of a cluster?"];

/// Why the number was refused; `None` where nothing says so, which proves nothing.
#[must_use]
pub fn expected(answer: Answer<'_>) -> Option<String> {
    let words = Words::of(answer);
    let mut reasons = words.parameter_errors();
    reasons.extend(words.find(&REFUSALS));
    if reasons.is_empty() && answer.exit != 0 && !answer.timed_out() {
        return Some(words.failure());
    }
    reasons.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stdout: &str, stderr: &str, exit: i32) -> Option<String> {
        expected(Answer::new(stdout.as_bytes(), stderr.as_bytes(), exit))
    }

    #[test]
    fn a_refusal_is_in_the_words_and_not_in_the_exit_code() {
        let refused = "Unable to set expected votes: CS_ERR_INVALID_PARAM\n";
        assert_eq!(said("", refused, 0).as_deref(), Some(refused.trim()));
        assert_eq!(said(refused, "", 0).as_deref(), Some(refused.trim()));
        let parameter = "400 Parameter verification failed.\nexpected: value must have a minimum value of 1\npvecm expected <expected>\n";
        assert!(said("", parameter, 255).is_some());
        assert!(
            said(
                "",
                "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?\n",
                2
            )
            .is_some()
        );
        assert!(said("", "", 1).is_some());
        assert_eq!(said("", "", 0), None);
        assert_eq!(said("", "", 124), None, "whether it did anything is for the proof to say");
    }
}
