//! What people are told outside of the pages: made from entries of the audit, so that nothing is told that is not written.

use crate::approval::COUNTDOWN_S;
use crate::audit::{AuditCode, ChainedEntry, Outcome};
use crate::checkpoint::Checkpoint;
use crate::lowering::{DETAIL_QUORATE, NO};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

crate::problem::codes!(
    /// Kinds of messages; locale keys `notice_CODE` (a sentence) and `subject_CODE`. Part of the webhook's format: never
    /// reused.
    NoticeCode {
        /// Somebody asks for agreement.
        RequestWaiting => "request_waiting",
        /// Approved, rejected, withdrawn, expired or void.
        RequestDecided => "request_decided",
        /// Somebody is about to run a plan alone; anybody can stop it.
        GlassBreaking => "glass_breaking",
        /// That countdown was stopped, or the plan has begun.
        GlassOver => "glass_over",
        OperationFailed => "operation_failed",
        /// It waits for a person.
        OperationParked => "operation_parked",
        /// Expected votes have been lowered for too long.
        VotesLowered => "votes_lowered",
        VotesRestored => "votes_restored",
        /// Expected votes have risen, and with them the quorum is lost again.
        QuorumLostAgain => "quorum_lost_again",
        /// Expected votes were lowered, and for a while nobody has been able to look whether they have risen.
        VotesUnseen => "votes_unseen",
        /// A machine shows another host key, or an admin has accepted one.
        KeyChanged => "key_changed",
        PolicyChanged => "policy_changed",
        /// A cluster was taken out of the console, and its policy, roles and pins with it.
        ClusterForgotten => "cluster_forgotten",
        /// Accounts, their roles and their second factors.
        AccountChanged => "account_changed",
        /// Messages to another place do not arrive.
        PlaceFailing => "place_failing",
        PlaceRestored => "place_restored",
        /// A signed checkpoint of the audit; for machines.
        Checkpoint => "checkpoint",
        /// Somebody tries whether messages arrive.
        Test => "test",
    }
);

/// Names of what a message may say. What a node printed, what a command was, and every other detail of an entry stay in the
/// audit.
const TOLD: &[&str] =
    &["before", "comment", "intent", "last_seen", "lowered_for", "name", "place", "problem", "request", "role"];

/// The longest text of a person in a message, in characters.
const TEXT_MAX_CHARS: usize = 500;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub code: NoticeCode,
    /// When it happened.
    pub at: Timestamp,
    /// Index and code of the entry of the audit that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditCode>,
    /// Parameter name -> value, filled into the locale's sentence; each is one line.
    ///
    /// `who`, `audit` (the code once more), `cluster`, `node`, `operation`, `reason`, `seconds`, `size`, and the details of [`TOLD`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Where to look, where the console knows how browsers call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

impl Notice {
    /// The message that an entry is worth, where it is worth one. `base` is how browsers call the console.
    #[must_use]
    pub fn of(one: &ChainedEntry, base: Option<&str>) -> Option<Self> {
        let entry = &one.entry;
        let is_blocked = entry.details.get(DETAIL_QUORATE).is_some_and(|word| word == NO);
        let code = match code_of(entry.code, entry.outcome)? {
            NoticeCode::VotesRestored if is_blocked => NoticeCode::QuorumLostAgain,
            code => code,
        };
        let mut told = Self::bare(code, entry.at);
        told.entry = Some(one.index);
        told.audit = Some(entry.code);
        told = told.with("audit", entry.code.as_str());
        for (name, value) in entry.details.iter().filter(|(name, _)| TOLD.contains(&name.as_str())) {
            told = told.with(name, value);
        }
        // Of a cluster that is gone it only says what went with it.
        if entry.details.contains_key("policy") && code != NoticeCode::ClusterForgotten {
            told = told.with("intent", "policy");
        }
        if code == NoticeCode::GlassBreaking {
            told = told.with("seconds", &COUNTDOWN_S.to_string());
        }
        let operation = entry.operation.map(|id| id.to_string());
        let more = [
            ("cluster", &entry.cluster_name),
            ("node", &entry.node),
            ("reason", &entry.reason),
            ("operation", &operation),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                told = told.with(name, value);
            }
        }
        told.url = base.map(|base| format!("{}/{}", base.trim_end_matches('/'), path(code, one)));
        Some(told.with("who", &entry.who))
    }

    /// A checkpoint of the audit on its way to where it is kept.
    #[must_use]
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Self {
        let mut told = Self::bare(NoticeCode::Checkpoint, checkpoint.at).with("size", &checkpoint.size.to_string());
        told.checkpoint = Some(checkpoint.clone());
        told
    }

    /// Nothing happened: somebody wants to see that messages arrive.
    #[must_use]
    pub fn test(who: &str, at: Timestamp) -> Self {
        Self::bare(NoticeCode::Test, at).with("who", who)
    }

    const fn bare(code: NoticeCode, at: Timestamp) -> Self {
        Self { code, at, entry: None, audit: None, params: BTreeMap::new(), url: None, checkpoint: None }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        let text = line(value);
        if !text.is_empty() {
            self.params.insert(name.to_owned(), text);
        }
        self
    }
}

/// People write lines; a message has one for each thing that it says.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let whole = words.join(" ");
    match whole.char_indices().nth(TEXT_MAX_CHARS) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

const fn code_of(code: AuditCode, outcome: Outcome) -> Option<NoticeCode> {
    Some(match code {
        AuditCode::ApprovalRequested | AuditCode::PolicyProposed => NoticeCode::RequestWaiting,
        AuditCode::ApprovalGiven
        | AuditCode::ApprovalRejected
        | AuditCode::ApprovalWithdrawn
        | AuditCode::ApprovalExpired
        | AuditCode::ApprovalVoid => NoticeCode::RequestDecided,
        AuditCode::GlassBroken => NoticeCode::GlassBreaking,
        AuditCode::GlassStopped | AuditCode::GlassUsed => NoticeCode::GlassOver,
        AuditCode::OperationFinished if !matches!(outcome, Outcome::Success) => NoticeCode::OperationFailed,
        AuditCode::OperationParked => NoticeCode::OperationParked,
        AuditCode::ExpectedStillLowered => NoticeCode::VotesLowered,
        AuditCode::ExpectedRestored => NoticeCode::VotesRestored,
        AuditCode::ExpectedUnseen => NoticeCode::VotesUnseen,
        AuditCode::HostKeyMismatch | AuditCode::HostKeyReplaced => NoticeCode::KeyChanged,
        AuditCode::PolicyChanged => NoticeCode::PolicyChanged,
        AuditCode::ClusterForgotten => NoticeCode::ClusterForgotten,
        AuditCode::RoleChanged | AuditCode::UserCreated | AuditCode::UserDisabled | AuditCode::SecondFactorReset => {
            NoticeCode::AccountChanged
        }
        AuditCode::MessagesFailing => NoticeCode::PlaceFailing,
        AuditCode::MessagesRestored => NoticeCode::PlaceRestored,
        _ => return None,
    })
}

/// The page that shows it.
fn path(code: NoticeCode, one: &ChainedEntry) -> String {
    let entry = &one.entry;
    match code {
        NoticeCode::AccountChanged => "people".to_owned(),
        // It has no page any more.
        NoticeCode::ClusterForgotten => "audit".to_owned(),
        NoticeCode::PlaceFailing | NoticeCode::PlaceRestored => "notifications".to_owned(),
        _ => match (entry.details.get("request"), entry.operation, entry.cluster) {
            (Some(request), _, _) => format!("approvals/{request}"),
            (None, Some(operation), _) => format!("operations/{operation}"),
            (None, None, Some(cluster)) => format!("clusters/{cluster}"),
            (None, None, None) => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditEntry;

    fn entry(code: AuditCode, details: &[(&str, &str)]) -> ChainedEntry {
        let mut entry = AuditEntry::new(Timestamp::UNIX_EPOCH, code, "anna".into(), Outcome::Success);
        entry.cluster_name = Some("prod".into());
        entry.details = details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ChainedEntry { index: 7, entry, previous: String::new(), hash: String::new() }
    }

    fn param<'a>(notice: &'a Notice, name: &str) -> Option<&'a str> {
        notice.params.get(name).map(String::as_str)
    }

    #[test]
    fn what_people_wait_for_is_told_with_the_way_to_it() {
        let asked = entry(AuditCode::ApprovalRequested, &[("request", "r1"), ("intent", "set_expected")]);
        let told = Notice::of(&asked, Some("https://console.example/")).expect("a message");
        assert_eq!((told.code, told.entry), (NoticeCode::RequestWaiting, Some(7)));
        assert_eq!(told.url.as_deref(), Some("https://console.example/approvals/r1"));
        assert_eq!((param(&told, "intent"), param(&told, "cluster")), (Some("set_expected"), Some("prod")));
        assert_eq!(Notice::of(&asked, None).and_then(|one| one.url), None);
        let policy = entry(AuditCode::PolicyProposed, &[("request", "r2"), ("policy", "{}")]);
        assert_eq!(param(&Notice::of(&policy, None).expect("a message"), "intent"), Some("policy"));
        for code in [AuditCode::ApprovalRejected, AuditCode::ApprovalVoid, AuditCode::ApprovalExpired] {
            assert_eq!(Notice::of(&entry(code, &[]), None).map(|one| one.code), Some(NoticeCode::RequestDecided));
        }
        let glass = Notice::of(&entry(AuditCode::GlassBroken, &[]), None).expect("a message");
        assert_eq!((glass.code, param(&glass, "seconds")), (NoticeCode::GlassBreaking, Some("60")));
        let lowered = entry(AuditCode::ExpectedStillLowered, &[("lowered_for", "3700 s")]);
        assert_eq!(param(&Notice::of(&lowered, None).expect("a message"), "lowered_for"), Some("3700 s"));
        let blind = entry(AuditCode::ExpectedUnseen, &[("last_seen", "2026-11-28T02:00:00Z")]);
        let told = Notice::of(&blind, None).expect("a message");
        assert_eq!((told.code, param(&told, "last_seen")), (NoticeCode::VotesUnseen, Some("2026-11-28T02:00:00Z")));
    }

    #[test]
    fn votes_that_rose_are_good_news_only_with_a_quorum() {
        let code = |details: &[(&str, &str)]| {
            Notice::of(&entry(AuditCode::ExpectedRestored, details), None).map(|one| one.code)
        };
        assert_eq!(code(&[("quorate", "yes")]), Some(NoticeCode::VotesRestored));
        assert_eq!(code(&[]), Some(NoticeCode::VotesRestored), "written before it was asked");
        assert_eq!(code(&[("quorate", "no")]), Some(NoticeCode::QuorumLostAgain));
    }

    #[test]
    fn an_operation_is_told_when_it_needs_somebody() {
        let mut ended = entry(AuditCode::OperationFinished, &[("problem", "proof_missing")]);
        assert_eq!(Notice::of(&ended, None), None, "what went well is nobody's message");
        for outcome in [Outcome::Failed, Outcome::Unknown] {
            ended.entry.outcome = outcome;
            let told = Notice::of(&ended, None).expect("a message");
            assert_eq!((told.code, param(&told, "problem")), (NoticeCode::OperationFailed, Some("proof_missing")));
        }
        let parked = Notice::of(&entry(AuditCode::OperationParked, &[]), None);
        assert_eq!(parked.map(|one| one.code), Some(NoticeCode::OperationParked));
    }

    #[test]
    fn a_cluster_that_is_taken_out_is_told_to_everybody_who_counted_on_its_policy() {
        let mut one = entry(AuditCode::ClusterForgotten, &[("policy", "{}")]);
        one.entry.cluster = Some(crate::ids::ClusterId::from_uuid(uuid::Uuid::nil()));
        let told = Notice::of(&one, Some("https://console.example")).expect("a message");
        assert_eq!(
            (told.code, told.url.as_deref()),
            (NoticeCode::ClusterForgotten, Some("https://console.example/audit"))
        );
        assert_eq!((param(&told, "who"), param(&told, "cluster")), (Some("anna"), Some("prod")));
        assert_eq!(param(&told, "intent"), None, "nobody has changed the policy");
    }

    #[test]
    fn outputs_commands_and_other_details_stay_in_the_audit() {
        let mut one = entry(AuditCode::GlassUsed, &[("digest", "abc"), ("policy", "{\"x\":1}"), ("from", "10.0.0.1")]);
        one.entry.output = Some("canary-output".into());
        one.entry.command = Some("canary-command".into());
        let told = serde_json::to_string(&Notice::of(&one, None)).expect("JSON");
        for kept in ["abc", "x\\", "10.0.0.1", "canary"] {
            assert!(!told.contains(kept), "{kept}: {told}");
        }
    }

    #[test]
    fn what_people_write_is_one_line_of_a_bounded_length() {
        let mut one = entry(AuditCode::ApprovalRejected, &[("comment", "a\r\nBcc: everybody")]);
        one.entry.reason = Some("é".repeat(2_000));
        let told = Notice::of(&one, None).expect("a message");
        assert_eq!(param(&told, "comment"), Some("a Bcc: everybody"));
        assert_eq!(param(&told, "reason").map(|text| text.chars().count()), Some(TEXT_MAX_CHARS + 1));
    }

    #[test]
    fn everything_else_is_nobodys_message() {
        for code in
            [AuditCode::SignedIn, AuditCode::CommandFinished, AuditCode::ApprovalRefused, AuditCode::WatchSummary]
        {
            assert_eq!(Notice::of(&entry(code, &[]), None), None);
        }
    }
}
