//! Messages that leave the console, in one of our languages, `en` or `fr`; any other word means English.

use super::say;
use crate::i18n::Locale;
use model::Timestamp;
use model::notice::Notice;
use model::problem::Problem;

/// The subject, and what happened as a sentence. Neither holds a line break.
#[must_use]
pub fn said(language: &str, notice: &Notice) -> (String, String) {
    let locale = language.parse().unwrap_or(Locale::en);
    let what = say(locale, "subject", notice.code.as_str(), &notice.params);
    let subject = match notice.params.get("cluster") {
        Some(cluster) => format!("[Quorate] {cluster}: {what}"),
        None => format!("[Quorate] {what}"),
    };
    (subject, say(locale, "notice", notice.code.as_str(), &notice.params))
}

/// Subject and body of a mail.
#[must_use]
pub fn mail(language: &str, notice: &Notice) -> (String, String) {
    let (subject, text) = said(language, notice);
    let link = notice.url.as_ref().map(|url| format!("\n\n{url}")).unwrap_or_default();
    let entry = notice.entry.map(|index| format!(" · audit {index}")).unwrap_or_default();
    (subject, format!("{text}{link}\n\n{}{entry}\n", written(notice.at)))
}

/// Why one did not arrive.
#[must_use]
pub fn problem(language: &str, problem: &Problem) -> String {
    super::problem(language.parse().unwrap_or(Locale::en), problem)
}

/// Who reads it may be in any zone: UTC is said with it.
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::audit::{AuditCode, AuditEntry, ChainedEntry, Outcome};

    fn notice(code: AuditCode, outcome: Outcome, details: &[(&str, &str)]) -> Notice {
        let mut entry = AuditEntry::new(Timestamp::UNIX_EPOCH, code, "anna".into(), outcome);
        entry.cluster_name = Some("prod".into());
        entry.reason = Some("the rack\r\nBcc: everybody".into());
        entry.details = details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let chained = ChainedEntry { index: 7, entry, previous: String::new(), hash: String::new() };
        Notice::of(&chained, Some("https://console.example")).expect("worth a message")
    }

    #[test]
    fn it_says_who_what_where_and_why_in_both_languages() {
        let asked = [("request", "r1"), ("intent", "set_expected")];
        for language in ["en", "fr"] {
            let (subject, body) = mail(language, &notice(AuditCode::ApprovalRequested, Outcome::Success, &asked));
            assert!(subject.starts_with("[Quorate] prod: "), "{subject}");
            assert!(!subject.contains(['\r', '\n']), "a header of somebody else's");
            for part in ["anna", "prod", "the rack Bcc: everybody", "https://console.example/approvals/r1", " UTC"] {
                assert!(body.contains(part), "{part}: {body}");
            }
            assert!(!body.contains("set_expected"), "a code instead of words: {body}");
        }
        let lowered = notice(AuditCode::ExpectedStillLowered, Outcome::Failed, &[("lowered_for", "3700 s")]);
        let (english, french) = (mail("en", &lowered), mail("fr", &lowered));
        assert_ne!(english.1, french.1);
        assert!(english.1.contains("3700 s") && french.1.contains("3700 s"));
        assert_eq!(mail("xx", &lowered), english);
        // Where nobody can look, nobody says that they still are.
        let seen = [("lowered_for", "3700 s"), ("last_seen", "2026-11-28T02:00:00Z")];
        let mut blind = notice(AuditCode::ExpectedUnseen, Outcome::Unknown, &seen);
        blind.params.insert("node".to_owned(), "pve1".to_owned());
        for (language, claim) in [("en", "still lowered"), ("fr", "toujours abaissés")] {
            let (subject, body) = mail(language, &blind);
            assert!(mail(language, &lowered).1.contains(claim));
            assert!(!subject.contains(claim) && !body.contains(claim), "{subject}: {body}");
            assert!(body.contains("pve1") && body.contains("2026-11-28T02:00:00Z"), "{body}");
        }
    }

    #[test]
    fn every_message_is_whole_with_what_its_entry_has() {
        let details = [
            ("intent", "set_expected"),
            ("name", "bert"),
            ("role", "admin"),
            ("place", "mail"),
            ("problem", "proof_missing"),
            ("lowered_for", "60 s"),
            ("last_seen", "2026-11-28T02:00:00Z"),
            ("quorate", "no"),
        ];
        for code in AuditCode::ALL {
            let entry = AuditEntry::new(Timestamp::UNIX_EPOCH, *code, "anna".into(), Outcome::Failed);
            let bare = ChainedEntry { index: 1, entry, previous: String::new(), hash: String::new() };
            let Some(bare) = Notice::of(&bare, None) else { continue };
            for one in [bare, notice(*code, Outcome::Failed, &details)] {
                for language in ["en", "fr"] {
                    let (subject, text) = said(language, &one);
                    for left in ["{", "[:", "[ ", "]:", "  ", " .", ": .", "_"] {
                        assert!(!text.contains(left), "{left:?} in {code:?}: {text}");
                    }
                    assert!(!subject.contains(one.code.as_str()), "{subject}");
                }
            }
        }
    }
}
