//! Why a machine opened no channel, in its own words.
//!
//! russh tells who waits for a channel the number of the reason alone, and hands the words to the connection's callbacks. Which
//! of several channels they are about is not told: words that came during one's own try are believed where they agree.

use engine::ports::Beyond;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// So many are kept; a try that lasted while more came cannot tell which are its own.
const KEPT_MAX: usize = 64;

/// The words of refused channels, as they come.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// How many there were before those that are kept.
    gone: usize,
    words: VecDeque<String>,
}

impl Refusals {
    pub(crate) fn add(&self, words: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.words.push_back(words);
        if kept.words.len() > KEPT_MAX {
            kept.words.pop_front();
            kept.gone += 1;
        }
    }

    /// How many there were until now.
    pub(crate) fn count(&self) -> usize {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.gone + kept.words.len()
    }

    /// What was said since there were so many, and what it means; `None` where nothing was said.
    pub(crate) fn since(&self, count: usize) -> Option<(String, Beyond)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<&String> = kept.words.iter().skip(count.saturating_sub(kept.gone)).collect();
        let first = all.first()?;
        let meant = beyond(first);
        let agree = count >= kept.gone && all.iter().all(|words| beyond(words) == meant);
        let mut told: Vec<&str> = all.iter().map(|words| words.as_str()).collect();
        told.dedup();
        Some((told.join("; "), if agree { meant } else { Beyond::NotAsked }))
    }
}

/// sshd passes on what its system says of the connection (`strerror`), or of the name (`gai_strerror`).
fn beyond(words: &str) -> Beyond {
    let words = words.to_ascii_lowercase();
    let says = |any: &[&str]| any.iter().any(|one| words.contains(one));
    if says(&["connection refused"]) {
        Beyond::Refused
    } else if says(&["timed out", "no route to host", "host is unreachable", "host is down"]) {
        Beyond::Silent
    } else {
        Beyond::NotAsked
    }
}

/// What it means that a machine in between opens no channel to this host and gives no reason either: an address was dialled,
/// while a name may still hang in that machine's own resolver.
pub(crate) fn unanswered(host: &str) -> Beyond {
    if host.parse::<IpAddr>().is_ok() { Beyond::Silent } else { Beyond::NotAsked }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str]) -> Option<(String, Beyond)> {
        let refusals = Refusals::default();
        refusals.add("Connection refused".to_owned());
        let before = refusals.count();
        words.iter().for_each(|one| refusals.add((*one).to_owned()));
        refusals.since(before)
    }

    #[test]
    fn who_refuses_lives_and_who_was_not_found_was_not_asked() {
        for (words, meant) in [
            ("Connection refused", Beyond::Refused),
            ("Connection timed out", Beyond::Silent),
            ("No route to host", Beyond::Silent),
            ("Name or service not known", Beyond::NotAsked),
            ("Temporary failure in name resolution", Beyond::NotAsked),
            ("Network is unreachable", Beyond::NotAsked),
            ("open failed", Beyond::NotAsked),
            ("", Beyond::NotAsked),
        ] {
            assert_eq!(told(&[words]), Some((words.to_owned(), meant)));
        }
        assert_eq!(told(&[]), None, "what was said before is not about this one");
    }

    #[test]
    fn words_about_several_machines_count_where_they_agree() {
        assert_eq!(told(&["No route to host", "Connection timed out"]).map(|(_, meant)| meant), Some(Beyond::Silent));
        let mixed = told(&["No route to host", "Connection refused"]);
        assert_eq!(mixed, Some(("No route to host; Connection refused".to_owned(), Beyond::NotAsked)));
        let many = vec!["No route to host"; KEPT_MAX + 1];
        assert_eq!(told(&many).map(|(_, meant)| meant), Some(Beyond::NotAsked), "the first is not kept any more");
    }

    #[test]
    fn only_an_address_that_gives_no_answer_is_silent() {
        for (host, meant) in [
            ("10.0.0.3", Beyond::Silent),
            ("2001:db8::3", Beyond::Silent),
            ("pve3", Beyond::NotAsked),
            ("pve3.example.org", Beyond::NotAsked),
        ] {
            assert_eq!(unanswered(host), meant, "{host}");
        }
    }
}
