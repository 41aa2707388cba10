//! The cells of the verification.

use super::compare::contradiction;
use super::{CONFIG_LOCAL, CONFIG_SHARED, Disagreement, DisagreementCode, VerifyAnswer, VerifyCell, VerifyCode};
use crate::checks::clocks::{CLOCK_FAIL_MS, apart};
use crate::facts::{CorosyncConf, NodeSsh, QuorumMember, QuorumStatus};
use crate::observation::Evidence;
use crate::preflight::{Gathered, Verdict, accuse};
use crate::problem::{Problem, ProblemCode};
use std::collections::BTreeSet;
use std::fmt::Display;

/// So many hex digits of a SHA-256 are shown.
const SUM_SHOWN_CHARS: usize = 12;

pub fn cell(what: VerifyCode, answer: &VerifyAnswer, answers: &[VerifyAnswer]) -> VerifyCell {
    let quotes = answer.evidence.get(&what).cloned().unwrap_or_default();
    let mut draft = Draft {
        what,
        answer,
        answers,
        verdict: Verdict::Pass,
        brief: None,
        found: Vec::new(),
        own: quotes,
        other: Vec::new(),
    };
    // A fact that is missing ends the cell; it has been noted.
    let _: Option<()> = match what {
        VerifyCode::Quorate => draft.quorate(),
        VerifyCode::Votes => draft.votes(),
        VerifyCode::Members => draft.members(),
        VerifyCode::Ring => draft.ring(),
        VerifyCode::ConfigVersion => draft.config_version(),
        VerifyCode::ConfigSame => draft.config_same(),
        VerifyCode::Links => draft.links(),
        VerifyCode::NodeSsh => draft.node_ssh(),
        VerifyCode::Writable => draft.writable(),
        VerifyCode::Clocks => draft.clocks(),
    };
    VerifyCell {
        what,
        verdict: draft.verdict,
        brief: draft.brief,
        disagreements: draft.found,
        evidence: draft.own.into_iter().chain(draft.other).collect(),
    }
}

/// A cell while it is being judged.
struct Draft<'a> {
    what: VerifyCode,
    answer: &'a VerifyAnswer,
    answers: &'a [VerifyAnswer],
    verdict: Verdict,
    brief: Option<String>,
    found: Vec<Disagreement>,
    own: Vec<Evidence>,
    /// The other side's output.
    other: Vec<Evidence>,
}

impl<'a> Draft<'a> {
    fn need<T>(&mut self, fact: &'a Gathered<T>) -> Option<&'a T> {
        fact.as_ref().map_err(|problem| self.missing(problem)).ok()
    }

    fn missing(&mut self, problem: &Problem) {
        self.verdict = self.verdict.max(Verdict::Error);
        self.found.push(Disagreement::new(DisagreementCode::NoAnswer).with("problem", problem.code.as_str()));
    }

    fn brief(&mut self, text: impl Display) {
        self.brief = Some(text.to_string());
    }

    fn wrong(&mut self, words: &[&str], finding: Disagreement) {
        self.verdict = Verdict::Fail;
        self.found.push(finding);
        self.own = std::mem::take(&mut self.own).into_iter().map(|evidence| accuse(evidence, words)).collect();
    }

    /// Fails when most nodes, or some other node, say otherwise, and quotes both sides.
    fn same<T: Ord + Clone + Display>(
        &mut self,
        own: &T,
        read: impl Fn(&'a VerifyAnswer) -> Option<T>,
        code: DisagreementCode,
        words: &[&str],
    ) {
        let Some((peer, value)) = contradiction(own, self.answers, read) else {
            return;
        };
        let quotes = peer.evidence.get(&self.what).into_iter().flatten();
        self.other = quotes.map(|evidence| accuse(evidence.clone(), words)).collect();
        self.wrong(words, Disagreement::new(code).with("own", own).with("other", value).with("peer", &peer.node));
    }

    fn quorate(&mut self) -> Option<()> {
        let status = self.need(&self.answer.quorum)?;
        self.brief(format!("{}/{}", status.total_votes, status.quorum));
        if !status.quorate || status.blocked {
            let finding = Disagreement::new(DisagreementCode::NotQuorate);
            let finding = finding.with("votes", status.total_votes).with("quorum", status.quorum);
            self.wrong(&["Quorate:", "Quorum:"], finding);
        }
        let Some(told) = self.need(&self.answer.status)? else {
            self.missing(&ProblemCode::NotFound.into());
            return None;
        };
        let text = |one: &QuorumStatus| {
            let word = if one.quorate { "Yes" } else { "No" };
            format!("{word}, {}, {}", one.ring_id, share(one))
        };
        if text(status) != text(told) {
            let finding = Disagreement::new(DisagreementCode::PvecmDiffers);
            self.wrong(
                &["Quorate:", "Ring ID:", "Expected votes:", "Total votes:"],
                finding.with("own", text(status)).with("other", text(told)),
            );
        }
        Some(())
    }

    fn votes(&mut self) -> Option<()> {
        let words = ["Expected votes:", "Total votes:"];
        let status = self.need(&self.answer.quorum)?;
        self.brief(share(status));
        let read = |answer: &VerifyAnswer| answer.quorum.as_ref().ok().map(share);
        self.same(&share(status), read, DisagreementCode::VotesDiffer, &words);
        let conf = self.need(&self.answer.conf)?;
        let device = conf.qdevice.as_ref().map_or(0, |device| device.votes);
        let configured = conf.nodes.iter().map(|node| node.votes).sum::<u32>() + device;
        let expected = status.expected_votes;
        if expected != configured {
            let finding = Disagreement::new(DisagreementCode::VotesNotAsConfigured);
            self.wrong(&words, finding.with("expected", expected).with("configured", configured));
        }
        if status.total_votes != expected {
            let finding = Disagreement::new(DisagreementCode::VotesMissing);
            self.wrong(&words, finding.with("votes", status.total_votes).with("expected", expected));
        }
        Some(())
    }

    fn members(&mut self) -> Option<()> {
        let status = self.need(&self.answer.quorum)?;
        self.brief(status.members.len());
        let conf = self.need(&self.answer.conf)?;
        let read = |answer: &VerifyAnswer| answer.quorum.as_ref().ok().map(|status| names(status, conf));
        self.same(&names(status, conf), read, DisagreementCode::MembersDiffer, &["Nodes:"]);
        let told = listed(self.need(&self.answer.members)?, conf);
        if told != names(status, conf) {
            let finding = Disagreement::new(DisagreementCode::PvecmNodesDiffer);
            self.wrong(&["Nodes:"], finding.with("own", names(status, conf)).with("other", told));
        }
        let asked = self.asked();
        for node in &conf.nodes {
            if !status.members.iter().any(|member| member.id == node.id) {
                self.wrong(&["Nodes:"], Disagreement::new(DisagreementCode::MemberMissing).with("member", &node.name));
            }
            if asked.as_ref().is_some_and(|asked| !asked.contains(&node.id)) {
                self.wrong(&[], Disagreement::new(DisagreementCode::MemberNotAsked).with("member", &node.name));
            }
        }
        Some(())
    }

    /// Who answered; `None` while somebody was asked and kept silent, which is an error of its own.
    fn asked(&self) -> Option<BTreeSet<u32>> {
        self.answers.iter().map(|answer| answer.quorum.as_ref().ok().map(|status| status.node_id)).collect()
    }

    fn ring(&mut self) -> Option<()> {
        let own = &self.need(&self.answer.quorum)?.ring_id;
        self.brief(own);
        let read = |answer: &VerifyAnswer| answer.quorum.as_ref().ok().map(|status| status.ring_id.clone());
        self.same(own, read, DisagreementCode::RingDiffers, &["Ring ID:"]);
        Some(())
    }

    fn config_version(&mut self) -> Option<()> {
        let own = self.need(&self.answer.conf)?.config_version;
        self.brief(own);
        let read = |answer: &VerifyAnswer| answer.conf.as_ref().ok().map(|conf| conf.config_version);
        self.same(&own, read, DisagreementCode::ConfigVersionDiffers, &["config_version"]);
        Some(())
    }

    fn config_same(&mut self) -> Option<()> {
        let digests = self.need(&self.answer.digests)?;
        let (Some(shared), Some(local)) = (digests.get(CONFIG_SHARED), digests.get(CONFIG_LOCAL)) else {
            self.missing(&ProblemCode::NotFound.into());
            return None;
        };
        self.brief(shown(shared));
        if shared != local {
            let finding = Disagreement::new(DisagreementCode::ConfigCopiesDiffer);
            self.wrong(&[CONFIG_SHARED, CONFIG_LOCAL], finding.with("own", shown(shared)).with("other", shown(local)));
        }
        let read = |answer: &VerifyAnswer| answer.digests.as_ref().ok()?.get(CONFIG_SHARED).cloned();
        self.same(shared, read, DisagreementCode::ConfigDiffers, &[CONFIG_SHARED]);
        // Whole sums are compared, short ones shown.
        for value in self.found.iter_mut().flat_map(|one| one.params.iter_mut()).filter(|(name, _)| *name != "peer") {
            *value.1 = shown(value.1);
        }
        Some(())
    }

    fn links(&mut self) -> Option<()> {
        let status = self.need(&self.answer.links)?;
        let conf = self.need(&self.answer.conf)?;
        let own = conf.nodes.iter().find(|node| node.id == status.node_id);
        let Some(own) = own else {
            // Without its own entry there is nothing to compare, which must not look like no fault.
            self.missing(&ProblemCode::NotFound.into());
            return None;
        };
        let (mut all, mut up) = (0, 0);
        for peer in conf.nodes.iter().filter(|node| node.id != own.id) {
            for (link, address) in peer.addresses.iter().filter(|(link, _)| own.addresses.contains_key(link)) {
                all += 1;
                // `-n` prints reachable nodes only: no row is no connection.
                if status.links.iter().any(|row| row.peer == peer.id && row.link == *link && row.connected) {
                    up += 1;
                } else {
                    let finding = Disagreement::new(DisagreementCode::LinkDown);
                    self.wrong(&[address], finding.with("link", link).with("peer", &peer.name));
                    self.other_side(peer.id);
                }
            }
        }
        self.brief(format!("{up}/{all}"));
        Some(())
    }

    /// What the node at the other end of a link says of its links, once.
    fn other_side(&mut self, peer: u32) {
        let there = |answer: &&VerifyAnswer| answer.links.as_ref().is_ok_and(|status| status.node_id == peer);
        let quotes = self.answers.iter().find(there).and_then(|answer| answer.evidence.get(&self.what));
        for quote in quotes.into_iter().flatten() {
            if !self.other.contains(quote) {
                self.other.push(quote.clone());
            }
        }
    }

    /// One try to every other node: a missing one proves nothing.
    fn node_ssh(&mut self) -> Option<()> {
        let own = self.need(&self.answer.quorum)?.node_id;
        let conf = self.need(&self.answer.conf)?;
        let (mut all, mut works) = (0, 0);
        for peer in conf.nodes.iter().filter(|node| node.id != own) {
            all += 1;
            let finding = match self.answer.ssh.get(&peer.name) {
                None => {
                    self.missing(&ProblemCode::NotFound.into());
                    continue;
                }
                Some(Err(problem)) => {
                    self.missing(problem);
                    continue;
                }
                Some(Ok(NodeSsh::Works)) => {
                    works += 1;
                    continue;
                }
                Some(Ok(NodeSsh::HostKey)) => Disagreement::new(DisagreementCode::SshHostKey),
                Some(Ok(NodeSsh::Denied)) => Disagreement::new(DisagreementCode::SshDenied),
                Some(Ok(NodeSsh::Failed { text })) => Disagreement::new(DisagreementCode::SshFailed).with("text", text),
            };
            self.wrong(&["verification failed", "Permission denied"], finding.with("peer", &peer.name));
        }
        self.brief(format!("{works}/{all}"));
        Some(())
    }

    /// Against the node whose clock is farthest from this one.
    fn clocks(&mut self) -> Option<()> {
        let own = *self.need(&self.answer.clock)?;
        let peers = self.answers.iter().filter(|answer| answer.node != self.answer.node);
        let known: Vec<_> =
            peers.filter_map(|peer| peer.clock.as_ref().ok().map(|clock| (apart(own, *clock), *clock, peer))).collect();
        let Some((farthest, other, peer)) = known.iter().copied().max_by_key(|(apart, ..)| *apart) else {
            self.brief("±0 ms");
            return Some(());
        };
        self.brief(format!("±{} ms", farthest.measured_ms));
        if farthest.certain_ms > CLOCK_FAIL_MS {
            let quotes = peer.evidence.get(&self.what).into_iter().flatten();
            self.other = quotes.map(|evidence| accuse(evidence.clone(), &["."])).collect();
            let finding = Disagreement::new(DisagreementCode::ClocksApart).with("own", own.millis);
            let finding = finding.with("other", other.millis).with("peer", &peer.node);
            self.wrong(&["."], finding.with("millis", farthest.measured_ms).with("limit", CLOCK_FAIL_MS));
        } else if known.iter().any(|(apart, ..)| apart.error_ms > CLOCK_FAIL_MS) {
            // The answers took longer than what they should tell.
            self.missing(&ProblemCode::NodeHangs.into());
        }
        Some(())
    }

    fn writable(&mut self) -> Option<()> {
        if !*self.need(&self.answer.writable)? {
            self.wrong(&[], Disagreement::new(DisagreementCode::ReadOnly));
        }
        Some(())
    }
}

/// Votes there are of votes expected.
fn share(status: &QuorumStatus) -> String {
    format!("{}/{}", status.total_votes, status.expected_votes)
}

/// Members as people know them, in a fixed order.
fn names(status: &QuorumStatus, conf: &CorosyncConf) -> String {
    listed(&status.members, conf)
}

fn listed(members: &[QuorumMember], conf: &CorosyncConf) -> String {
    let name = |id: u32, printed: &str| {
        conf.nodes.iter().find(|node| node.id == id).map_or_else(|| printed.to_owned(), |node| node.name.clone())
    };
    let names: BTreeSet<String> = members.iter().map(|member| name(member.id, &member.name)).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn shown(sum: &str) -> String {
    sum.chars().take(SUM_SHOWN_CHARS).collect()
}
