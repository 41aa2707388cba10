//! The verification as a Markdown document: the table, what disagrees with both sides, and everything that the nodes printed.
//!
//! The words come from outside, as this crate has none; everything else in it was said by nodes and is escaped.

use super::{Verification, VerifyCell, VerifyCode};
use crate::observation::Evidence;
use crate::preflight::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

crate::problem::codes!(
    /// Words of the document; locale key `report_CODE`.
    ReportWord {
        /// `cluster`.
        Title => "title",
        /// `at`, `nodes`.
        Taken => "taken",
        Agreed => "agreed",
        Disagreed => "disagreed",
        What => "what",
        Findings => "findings",
        Printed => "printed",
        /// `node`, `at`, `millis`, `exit`.
        Origin => "origin",
        Cut => "cut",
    }
);

/// Parameter -> value of a sentence.
pub type Params = BTreeMap<String, String>;

/// Family, code and parameters in, a sentence out.
pub type Say<'a> = &'a dyn Fn(&str, &str, &Params) -> String;

/// The whole document; `cluster` is what people call it.
#[must_use]
pub fn markdown(cluster: &str, report: &Verification, say: Say<'_>) -> String {
    let word = |word: ReportWord, params: &[(&str, String)]| {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        say("report", word.as_str(), &params)
    };
    let taken = [("at", report.at.to_string()), ("nodes", report.rows.len().to_string())];
    let verdict = if report.agreed { ReportWord::Agreed } else { ReportWord::Disagreed };
    let mut out = format!("# {}\n\n", word(ReportWord::Title, &[("cluster", escaped(cluster))]));
    // Writing into a string cannot fail.
    let _ = write!(out, "{}\n\n**{}**\n\n", word(ReportWord::Taken, &taken), word(verdict, &[]));
    table(&mut out, report, &word(ReportWord::What, &[]), say);
    findings(&mut out, report, &word(ReportWord::Findings, &[]), say);
    let _ = write!(out, "\n## {}\n", word(ReportWord::Printed, &[]));
    for evidence in printed(report) {
        let exit = evidence.exit.map_or_else(|| "?".to_owned(), |exit| exit.to_string());
        let origin = [
            ("node", escaped(&evidence.node)),
            ("at", evidence.at.to_string()),
            ("millis", evidence.millis.to_string()),
            ("exit", exit),
        ];
        let _ = write!(out, "\n{}\n\n", word(ReportWord::Origin, &origin));
        let cut = evidence.cut.then(|| word(ReportWord::Cut, &[]));
        block(&mut out, evidence, cut);
    }
    out
}

fn table(out: &mut String, report: &Verification, what: &str, say: Say<'_>) {
    let columns: Vec<String> = report.rows.iter().map(|row| escaped(&row.node)).collect();
    let _ = writeln!(out, "| {what} | {} |", columns.join(" | "));
    let _ = writeln!(out, "| --- |{}", " --- |".repeat(columns.len()));
    for code in VerifyCode::ALL {
        let cell = |cell: &VerifyCell| {
            let verdict = say("verdict", cell.verdict.word(), &Params::new());
            let brief = cell.brief.as_ref().map(|brief| format!(", {}", escaped(brief))).unwrap_or_default();
            format!("{} {verdict}{brief}", sign(cell.verdict))
        };
        let cells = report.rows.iter().map(|row| row.cells.iter().find(|one| one.what == *code).map(cell));
        let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
        let _ = writeln!(out, "| {} | {} |", say("verify", code.as_str(), &Params::new()), cells.join(" | "));
    }
}

/// Every cell that does not pass, with what contradicts it.
fn findings(out: &mut String, report: &Verification, title: &str, say: Say<'_>) {
    let open = |cell: &&VerifyCell| cell.verdict != Verdict::Pass;
    if report.agreed || !report.rows.iter().any(|row| row.cells.iter().any(|cell| open(&cell))) {
        return;
    }
    let _ = write!(out, "\n## {title}\n\n");
    for row in &report.rows {
        for cell in row.cells.iter().filter(open) {
            let what = say("verify", cell.what.as_str(), &Params::new());
            let said: Vec<String> = cell
                .disagreements
                .iter()
                .map(|one| escaped(&say("disagreement", one.code.as_str(), &one.params)))
                .collect();
            let _ = writeln!(out, "- {} {}, {what}: {}", sign(cell.verdict), escaped(&row.node), said.join(" "));
        }
    }
}

/// Every answer once, in the order of the nodes.
fn printed(report: &Verification) -> Vec<&Evidence> {
    let mut found: Vec<&Evidence> = Vec::new();
    for evidence in report.rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.evidence) {
        let same =
            |one: &&Evidence| (&one.node, &one.command, one.at) == (&evidence.node, &evidence.command, evidence.at);
        if !found.iter().any(same) {
            found.push(evidence);
        }
    }
    found
}

/// An indented block: whatever a line holds, nothing in it can end the block.
fn block(out: &mut String, evidence: &Evidence, cut: Option<String>) {
    let _ = writeln!(out, "    $ {}", one_line(&evidence.command));
    for line in &evidence.lines {
        let _ = writeln!(out, "    {}", one_line(&line.text));
    }
    if let Some(cut) = cut {
        let _ = writeln!(out, "    … {cut}");
    }
}

const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Skipped => "·",
        Verdict::Warn => "▲",
        Verdict::Error => "?",
        Verdict::Fail => "✕",
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text as itself, whatever Markdown or HTML would make of it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if "\\`*_{}[]<>()#+!|&~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Disagreement, DisagreementCode, VerifyRow};
    use super::*;
    use crate::observation::EvidenceLine;
    use jiff::Timestamp;

    fn evidence(node: &str, text: &str) -> Evidence {
        Evidence {
            node: node.into(),
            command: "corosync-quorumtool -s".into(),
            exit: Some(0),
            at: Timestamp::UNIX_EPOCH,
            millis: 12,
            lines: text.lines().map(|line| EvidenceLine { text: line.to_owned(), guilty: false }).collect(),
            cut: false,
        }
    }

    /// Two nodes of which the second is on another ring and says so in a hostile way.
    fn report(agreed: bool) -> Verification {
        let cell = |what: VerifyCode, node: &str, other: bool| {
            let wrong = !agreed && other && what == VerifyCode::Ring;
            let quote = evidence(node, if other { "Ring ID: 1.9\n# not a | title `x`" } else { "Ring ID: 1.7" });
            VerifyCell {
                what,
                verdict: if wrong { Verdict::Fail } else { Verdict::Pass },
                brief: (what == VerifyCode::Ring).then(|| if wrong { "1.9".into() } else { "1.7".into() }),
                disagreements: if wrong {
                    let one = Disagreement::new(DisagreementCode::RingDiffers).with("own", "1.9|*x*");
                    vec![one.with("other", "1.7").with("peer", "yew1")]
                } else {
                    Vec::new()
                },
                evidence: vec![quote],
            }
        };
        let row = |node: &str, other: bool| VerifyRow {
            node: node.into(),
            cells: VerifyCode::ALL.iter().map(|what| cell(*what, node, other)).collect(),
        };
        Verification { at: Timestamp::UNIX_EPOCH, rows: vec![row("yew1", false), row("yew_2", true)], agreed }
    }

    /// Codes for words: what stands where is what matters here.
    fn codes(family: &str, code: &str, params: &Params) -> String {
        let params: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if params.is_empty() { format!("{family}.{code}") } else { format!("{family}.{code}({})", params.join(", ")) }
    }

    #[test]
    fn a_report_with_a_disagreement_reads_so() {
        insta::assert_snapshot!(markdown("oak*", &report(false), &codes));
    }

    #[test]
    fn a_report_that_agrees_has_no_findings() {
        let text = markdown("oak", &report(true), &codes);
        assert!(text.contains("**report.agreed**") && !text.contains("report.findings"), "{text}");
        assert_eq!(text.matches("$ corosync-quorumtool -s").count(), 2, "each answer once");
    }

    #[test]
    fn nothing_that_a_node_says_becomes_markup() {
        let text = markdown("oak", &report(false), &codes);
        for line in text.lines().filter(|line| line.contains("not a |")) {
            assert!(line.starts_with("    "), "{line}");
        }
        assert!(text.contains("own=1.9\\|\\*x\\*"), "{text}");
        let rows: Vec<usize> =
            text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches(" |").count()).collect();
        assert!(rows.iter().all(|columns| *columns == 3), "{rows:?}");
    }
}
