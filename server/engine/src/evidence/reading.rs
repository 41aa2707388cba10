//! What watching makes of an answer, said again from the answer as it is kept.

use crate::evidence::unreadable;
use crate::watch::Question;
use model::capability::Packages;
use model::facts::{CorosyncConf, LinkStatus, PmxMembers, QuorumStatus};
use model::observation::Evidence;
use model::reading::{Reading, ReadingCode};
use pve::{Answer, ParseError, Reason, cfgtool, corosync_conf, packages, pmxcfs, quorumtool};
use std::collections::BTreeSet;

/// Exit codes of `corosync-quorumtool -s` for quorate and not.
const QUORATE: i32 = 0;
const NOT_QUORATE: i32 = 2;
/// How dpkg-query begins what it prints on standard error.
const DPKG_ERROR: &str = "dpkg-query:";
/// A command without an end counts as ended by its limit.
const KILLED: i32 = 137;

/// The same readers as while watching, on what is kept. Evidence that nothing watches is only quoted.
#[must_use]
pub fn readings(evidence: &Evidence) -> Vec<Reading> {
    let asked = Question::ALL.iter().find(|question| question.command().display() == evidence.command);
    let followed = quorumtool::follow().display() == evidence.command;
    if asked.is_none() && !followed {
        return vec![Reading::new(ReadingCode::Quoted)];
    }
    if evidence.cut {
        return vec![Reading::new(ReadingCode::CutShort)];
    }
    // What is kept has both streams in one; only dpkg-query says on the second what its reader has to know.
    let lines = evidence.lines.iter().map(|line| line.text.as_str());
    let (errors, lines): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with(DPKG_ERROR));
    // As printed: what is kept has look-alikes for the two characters of markup (`clean_text`).
    let text = format!("{}\n", lines.join("\n")).replace('‹', "<").replace('›', ">");
    let errors = errors.join("\n");
    let exit = evidence.exit.unwrap_or(KILLED);
    let read = match asked {
        Some(question) => of_question(*question, Answer::new(text.as_bytes(), errors.as_bytes(), exit)),
        None => of_block(&text),
    };
    read.unwrap_or_else(|error| vec![failed(&error, &evidence.node)])
}

fn failed(error: &ParseError, node: &str) -> Reading {
    if error.reason == Reason::CorosyncDown {
        return Reading::new(ReadingCode::CorosyncDown);
    }
    let problem = unreadable(error, node);
    let reading = Reading::new(ReadingCode::Unreadable).with("problem", problem.code.as_str());
    problem.params.iter().fold(reading, |reading, (name, value)| reading.with(name, value))
}

fn of_question(question: Question, answer: Answer<'_>) -> Result<Vec<Reading>, ParseError> {
    Ok(match question {
        Question::State => vec![members(&pmxcfs::state(answer)?.members)],
        Question::Quorum => quorum(&quorumtool::quorum(answer)?),
        Question::Links => links(&cfgtool::link_lines(answer)?),
        Question::Conf => vec![conf(corosync_conf::conf(answer)?.as_ref())],
        Question::Packages => vec![installed(&packages::installed(answer)?)],
        Question::QuorumtoolHelp => vec![options(&quorumtool::options(answer)?)],
    })
}

/// A block has no exit code of its own.
fn of_block(text: &str) -> Result<Vec<Reading>, ParseError> {
    let read = |exit| quorumtool::quorum(Answer::new(text.as_bytes(), b"", exit));
    read(QUORATE).or_else(|_| read(NOT_QUORATE)).map(|status| quorum(&status))
}

fn quorum(status: &QuorumStatus) -> Vec<Reading> {
    let code = if status.quorate { ReadingCode::Quorate } else { ReadingCode::NotQuorate };
    let votes = Reading::new(code)
        .with("votes", status.total_votes)
        .with("expected", status.expected_votes)
        .with("quorum", status.quorum);
    let members = joined(status.members.iter().map(|member| member.name.as_str()));
    vec![votes, Reading::new(ReadingCode::Ring).with("ring", &status.ring_id).with("members", members)]
}

fn links(status: &LinkStatus) -> Vec<Reading> {
    let up = status.links.iter().filter(|link| link.connected).count();
    let down = status.links.iter().filter(|link| !link.connected);
    let down = down.map(|link| Reading::new(ReadingCode::LinkDown).with("link", link.link).with("peer", link.peer));
    std::iter::once(Reading::new(ReadingCode::LinksUp).with("count", up)).chain(down).collect()
}

fn members(members: &PmxMembers) -> Reading {
    let Some(cluster) = &members.cluster else { return Reading::new(ReadingCode::PmxcfsAlone) };
    let code = if cluster.quorate { ReadingCode::PmxcfsQuorate } else { ReadingCode::PmxcfsNotQuorate };
    let those = |online: bool| members.nodes.iter().filter(move |node| node.online == online);
    let reading = Reading::new(code).with("online", joined(those(true).map(|node| node.name.as_str())));
    match joined(those(false).map(|node| node.name.as_str())) {
        nobody if nobody.is_empty() => reading,
        offline => reading.with("offline", offline),
    }
}

fn conf(conf: Option<&CorosyncConf>) -> Reading {
    let Some(conf) = conf else { return Reading::new(ReadingCode::NoConf) };
    Reading::new(ReadingCode::Conf)
        .with("name", &conf.cluster_name)
        .with("version", conf.config_version)
        .with("nodes", joined(conf.nodes.iter().map(|node| node.name.as_str())))
}

fn installed(packages: &Packages) -> Reading {
    let list: Vec<String> = packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
    Reading::new(ReadingCode::Packages).with("list", list.join(", "))
}

fn options(letters: &BTreeSet<char>) -> Reading {
    let list: Vec<String> = letters.iter().map(|letter| format!("-{letter}")).collect();
    Reading::new(ReadingCode::Options).with("list", list.join(" "))
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use model::observation::EvidenceLine;

    const BLOCK: &str = "Quorum information\n------------------\nDate:             Sat Nov 28 12:00:00 2026\n\
        Quorum provider:  corosync_votequorum\nNodes:            1\nNode ID:          1\nRing ID:          1.11\n\
        Quorate:          No\n\nVotequorum information\n----------------------\nExpected votes:   3\n\
        Highest expected: 3\nTotal votes:      1\nQuorum:           2 Activity blocked\nFlags:            \n\n\
        Membership information\n----------------------\n    Nodeid      Votes Name\n         1          1 pve1 (local)";

    fn evidence(command: String, text: &str, exit: Option<i32>) -> Evidence {
        let lines = text.lines().map(|line| EvidenceLine { text: line.to_owned(), guilty: false }).collect();
        Evidence { node: "pve1".into(), command, exit, at: Timestamp::UNIX_EPOCH, millis: 5, lines, cut: false }
    }

    fn codes(evidence: &Evidence) -> Vec<ReadingCode> {
        readings(evidence).into_iter().map(|reading| reading.code).collect()
    }

    #[test]
    fn an_answer_and_a_block_say_the_same() {
        let asked = evidence(Question::Quorum.command().display(), BLOCK, Some(2));
        let block = evidence(quorumtool::follow().display(), BLOCK, None);
        assert_eq!(codes(&asked), [ReadingCode::NotQuorate, ReadingCode::Ring]);
        assert_eq!(readings(&asked), readings(&block));
        let votes = &readings(&asked)[0].params;
        assert_eq!((votes["votes"].as_str(), votes["quorum"].as_str()), ("1", "2"));
    }

    #[test]
    fn what_cannot_be_read_says_why_and_nothing_else() {
        let command = || Question::Quorum.command().display();
        let down = evidence(command(), "Cannot initialize CMAP service", Some(1));
        assert_eq!(codes(&down), [ReadingCode::CorosyncDown]);
        let hangs = readings(&evidence(command(), "", Some(124)));
        assert_eq!(hangs[0].params["problem"], "node_hangs");
        let cut = Evidence { cut: true, ..evidence(command(), BLOCK, Some(2)) };
        assert_eq!(codes(&cut), [ReadingCode::CutShort]);
        assert_eq!(codes(&evidence("hostname".into(), "pve1", Some(0))), [ReadingCode::Quoted]);
    }
}
