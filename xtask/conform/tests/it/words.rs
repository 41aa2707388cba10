//! No word can change without being noticed: the comparison itself is put to the test.

use crate::play_all;
use conform::differences::Differences;
use conform::normal;
use conform::play::Compared;
use conform::recording;
use conform::words::Tried;

#[tokio::test(start_paused = true)]
async fn every_word_of_every_answer_counts() {
    let differences = Differences::read().expect("the argued differences");
    let mut tried = Tried::default();
    for (name, report) in play_all(&differences).await {
        tried.try_all("simulated", &name, &report.compared, &differences);
    }
    println!("{} words changed", tried.words);
    assert!(tried.words > 3_000, "{} words only", tried.words);
    assert!(tried.unnoticed.is_empty(), "changed words that nobody would notice: {:#?}", tried.unnoticed);
}

/// As if the lab of real parts had answered like the recording: one other word is noticed there too.
#[test]
fn a_changed_word_of_the_real_parts_counts() {
    let differences = Differences::read().expect("the argued differences");
    let entries = recording::read("24-no-quorum-pve1").expect("a recording").into_iter();
    let compared: Vec<Compared> = entries
        .filter(|entry| entry.command.starts_with("pvecm") || entry.command.starts_with("corosync-quorumtool"))
        .map(|entry| Compared { command: entry.command, ours: entry.answer.clone(), theirs: entry.answer })
        .collect();
    let mut tried = Tried::default();
    tried.try_all("real", "losses", &compared, &differences);
    assert!(tried.words > 100 && tried.unnoticed.is_empty(), "{tried:#?}");
}

#[test]
fn only_values_of_the_right_shape_are_hidden() {
    let same = |command: &str, one: &str, other: &str| normal::lines(command, one) == normal::lines(command, other);
    let date = "Date:             Sun Nov 22 07:18:07 2026";
    assert!(same("pvecm status", date, "Date:             Mon Nov 23 09:00:00 2026"));
    assert!(!same("pvecm status", date, "Date:             yesterday"));
    assert!(same("pvecm status", "Ring ID:          1.9", "Ring ID:          1.1d"));
    assert!(!same("pvecm status", "Ring ID:          1.9", "Ring ID:          2.9"), "the lowest node counts");
    assert!(!same("pvecm status", "Total votes:      3", "Total votes:      2"));
    let stat = "stats.knet.node2.link0.connected (u8) = ";
    assert!(!same("corosync-cmapctl -m stats", &format!("{stat}1"), &format!("{stat}0")));
    let rx = "stats.knet.node2.link0.rx_data_bytes (u64) = ";
    assert!(same("corosync-cmapctl -m stats", &format!("{rx}1"), &format!("{rx}4711")));
    assert!(!same("corosync-cmapctl -m stats", &format!("{rx}1"), &format!("{rx}many")));
}
