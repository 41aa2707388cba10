//! A cell while it is being judged.

use crate::observation::Evidence;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, Gathered, NodeEvidence, Source, Verdict, accuse_where};
use crate::problem::{Problem, ProblemCode};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Lines of one answer that a cell shows, and proofs behind them.
const LINES_SHOWN_MAX: usize = 60;

/// Collects findings and evidence; the worst finding is the verdict.
pub struct Sheet<'a> {
    check: CheckId,
    node: &'a NodeEvidence,
    verdict: Verdict,
    brief: Option<String>,
    findings: Vec<Finding>,
    /// By source, so that one bundle is shown once however often it was used.
    evidence: BTreeMap<Source, Evidence>,
}

impl<'a> Sheet<'a> {
    pub fn new(check: CheckId, node: &'a NodeEvidence) -> Self {
        Self { check, node, verdict: Verdict::Pass, brief: None, findings: Vec::new(), evidence: BTreeMap::new() }
    }

    /// A fact that the check cannot do without: shows where it was read, and is an error when it is not there.
    pub fn need<'f, T>(&mut self, source: Source, fact: &'f Gathered<T>) -> Option<&'f T> {
        self.show(source);
        match fact {
            Ok(value) => Some(value),
            Err(problem) if problem.code == ProblemCode::NotOnThisMachine => {
                let what = problem.params.get("what").cloned().unwrap_or_default();
                self.note(Verdict::Skipped, Finding::new(FindingCode::NotOnThisMachine).with("what", what));
                None
            }
            Err(problem) => {
                self.missing(problem);
                None
            }
        }
    }

    pub fn show(&mut self, source: Source) {
        if let Some(evidence) = self.node.evidence.get(&source) {
            self.evidence.entry(source).or_insert_with(|| evidence.clone());
        }
    }

    pub fn missing(&mut self, problem: &Problem) {
        // Without a connection everything is missing for one reason, which the log-in's evidence shows.
        self.show(Source::LogIn);
        let finding = Finding::new(FindingCode::EvidenceMissing).with("problem", problem.code.as_str());
        self.note(Verdict::Error, finding);
    }

    /// An answer came, but the part that matters was not in it.
    pub fn absent(&mut self) {
        self.missing(&ProblemCode::NotFound.into());
    }

    pub fn note(&mut self, verdict: Verdict, finding: Finding) {
        self.verdict = self.verdict.max(verdict);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Another node has to answer before this can be told.
    pub fn wait_for(&mut self, peer: &NodeEvidence) {
        self.note(Verdict::Skipped, Finding::new(FindingCode::WaitsForOther).with("peer", &peer.label));
    }

    /// Marks the lines that prove a finding.
    pub fn accuse(&mut self, source: Source, guilty: impl Fn(&str) -> bool) {
        self.show(source);
        if let Some(evidence) = self.evidence.remove(&source) {
            self.evidence.insert(source, accuse_where(evidence, guilty));
        }
    }

    /// A finding with the lines that prove it.
    pub fn blame(&mut self, verdict: Verdict, finding: Finding, source: Source, guilty: impl Fn(&str) -> bool) {
        self.note(verdict, finding);
        self.accuse(source, guilty);
    }

    /// Nothing to judge here, and why.
    pub fn skip(&mut self, reason: FindingCode) {
        self.note(Verdict::Skipped, Finding::new(reason));
    }

    /// When the source of a fact was read.
    pub fn read_at(&self, source: Source) -> Option<Timestamp> {
        self.node.evidence.get(&source).map(|evidence| evidence.at)
    }

    pub fn brief(&mut self, text: impl std::fmt::Display) {
        self.brief = Some(text.to_string());
    }

    pub fn cell(self) -> Cell {
        Cell {
            check: self.check,
            node: self.node.node,
            verdict: self.verdict,
            brief: self.brief,
            findings: self.findings,
            evidence: self.evidence.into_values().map(shortened).collect(),
        }
    }
}

/// The first lines, and those that prove something wherever they stand.
fn shortened(mut evidence: Evidence) -> Evidence {
    let before = evidence.lines.len();
    let mut place = 0;
    let mut proofs = 0;
    evidence.lines.retain(|line| {
        place += 1;
        proofs += usize::from(line.guilty);
        place <= LINES_SHOWN_MAX || (line.guilty && proofs <= LINES_SHOWN_MAX)
    });
    evidence.cut |= evidence.lines.len() < before;
    evidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::EvidenceLine;

    #[test]
    fn the_line_that_proves_it_is_shown_however_late_it_comes() {
        let line = |n: usize| EvidenceLine { text: n.to_string(), guilty: n == 400 };
        let evidence = Evidence {
            node: "alder11".into(),
            command: "perl".into(),
            exit: Some(0),
            at: Timestamp::UNIX_EPOCH,
            millis: 1,
            lines: (0..500).map(line).collect(),
            cut: false,
        };
        let short = shortened(evidence);
        assert_eq!((short.lines.len(), short.cut), (LINES_SHOWN_MAX + 1, true));
        assert!(short.lines.last().is_some_and(|line| line.guilty && line.text == "400"));
    }
}
