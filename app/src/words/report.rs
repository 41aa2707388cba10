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

    #[test]
    fn the_report_is_written_in_english() {
        insta::assert_snapshot!(verification("en", "oak", &report()));
    }

    #[test]
    fn the_report_is_written_in_french() {
        insta::assert_snapshot!(verification("fr", "oak", &report()));
    }
}
