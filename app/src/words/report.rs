//! Reports that leave the console as documents.

use super::say;
use crate::i18n::Locale;
use model::verify::Verification;
use model::verify::markdown::markdown;

/// The verification as Markdown in one of our languages, `en` or `fr`; any other word means English.
#[must_use]
pub fn verification(language: &str, cluster: &str, report: &Verification) -> String {
    let locale = language.parse().unwrap_or(Locale::en);
    markdown(cluster, report, &|family, code, params| say(locale, family, code, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use model::preflight::Verdict;
    use model::verify::{Disagreement, DisagreementCode, VerifyCell, VerifyCode, VerifyRow};

    fn report() -> Verification {
        let cell = |what: VerifyCode| VerifyCell {
            what,
            verdict: if what == VerifyCode::Clocks { Verdict::Error } else { Verdict::Pass },
            brief: (what == VerifyCode::Members).then(|| "3".to_owned()),
            disagreements: if what == VerifyCode::Clocks {
                vec![Disagreement::new(DisagreementCode::NoAnswer).with("problem", "node_hangs")]
            } else {
                Vec::new()
            },
            evidence: Vec::new(),
        };
        let row = |node: &str| VerifyRow {
            node: node.to_owned(),
            cells: VerifyCode::ALL.iter().map(|what| cell(*what)).collect(),
        };
        Verification { at: Timestamp::UNIX_EPOCH, rows: vec![row("pve1"), row("pve2")], agreed: false }
    }

    fn lines(language: &str) -> Vec<String> {
        verification(language, "oak", &report()).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_report_is_written_in_both_languages() {
        let (english, french) = (lines("en"), lines("fr"));
        assert_eq!(english[0], "# Verification of oak");
        assert_eq!(french[0], "# Vérification de oak");
        assert_eq!(english.len(), french.len(), "the same document in other words");
        assert_eq!(english.iter().filter(|line| line.starts_with("| ")).count(), VerifyCode::ALL.len() + 2);
        let of = |lines: &[String], name: &str| lines.iter().find(|line| line.starts_with(name)).cloned();
        assert!(of(&english, "| Members ").is_some_and(|line| line.matches(", 3 |").count() == 2), "{english:?}");
        assert!(of(&english, "| Clocks ").is_some_and(|line| line.matches("| ? ").count() == 2), "{english:?}");
        assert!(of(&french, "| Horloges ").is_some_and(|line| line.matches("| ? ").count() == 2), "{french:?}");
        assert!(of(&english, "- ? pve1, Clocks: No answer").is_some(), "{english:?}");
        let codes = ["report_", "verify_", "verdict_", "disagreement_", "node_hangs"];
        for line in english.iter().chain(&french) {
            assert!(!codes.iter().any(|code| line.contains(code)), "a code instead of words: {line}");
        }
        assert_eq!(lines("xx"), english);
    }
}
