//! What commands printed, looked for within a period.

use crate::support::{Room, at, cluster_id, entry};
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, AuditEntry, AuditFilter, Outcome};

/// What `pvecm status` prints on a side without quorum.
const STATUS: &str =
    "Quorum information\n------------------\nQuorate:          No\nQuorum:           2 Activity blocked";

fn printed(second: i64, output: &str) -> AuditEntry {
    AuditEntry { at: at(second), output: Some(output.into()), ..entry(AuditCode::CommandFinished) }
}

fn within(output: &str, (from, until): (i64, i64)) -> AuditFilter {
    AuditFilter { output: Some(output.into()), from: Some(at(from)), until: Some(at(until)), ..AuditFilter::default() }
}

async fn found(room: &Room, filter: &AuditFilter) -> Vec<u64> {
    let page = room.store.find(filter, 10).await.expect("found");
    assert_eq!((page.total, page.more, page.cut), (page.entries.len() as u64, false, false), "{filter:?}");
    page.entries.iter().map(|one| one.index).collect()
}

#[tokio::test]
async fn an_entry_is_found_by_what_its_command_printed_and_by_nothing_else() {
    let room = Room::new().await;
    room.store.fill_audit(&[printed(1, STATUS), printed(2, "Größe: 1"), entry(AuditCode::SignedIn)]).await.expect("ok");
    for (output, indexes) in [
        ("quorate", vec![1]),
        ("ACTIVITY information", vec![1]),
        ("\"quorate: no\"", vec![1]),
        ("\"activity quorate\"", vec![]),
        ("blocked größe", vec![]),
        ("GRÖßE", vec![2]),
        ("o", vec![1]),
        // Who did it, and with what, is not printed.
        ("ops-1", vec![]),
        ("command_finished", vec![]),
    ] {
        assert_eq!(found(&room, &within(output, (0, 10))).await, indexes, "{output}");
    }
    let words = AuditFilter { words: Some("blocked".into()), ..AuditFilter::default() };
    assert!(found(&room, &words).await.is_empty(), "words do not look into outputs");
}

#[tokio::test]
async fn nothing_outside_of_the_period_is_found() {
    let room = Room::new().await;
    // The clock is set back once.
    let all = [1, 5, 9, 2, 6].map(|second| printed(second, STATUS));
    room.store.fill_audit(&all).await.expect("filled");
    for (period, indexes) in [
        ((0, 10), vec![5, 4, 3, 2, 1]),
        ((2, 6), vec![4, 2]),
        ((6, 9), vec![5]),
        ((9, 10), vec![3]),
        ((10, 20), vec![]),
    ] {
        assert_eq!(found(&room, &within("blocked", period)).await, indexes, "{period:?}");
    }
}

/// What the console takes out of an entry before it is written is nowhere to be found: the bytes of the chain are looked through.
#[tokio::test]
async fn what_is_masked_in_an_entry_is_not_found() {
    let room = Room::new().await;
    let mut masked = printed(1, "password: ••••••\naccepted");
    masked.command = Some("ipmitool -E power status <17 bytes>".into());
    room.store.fill_audit(&[masked]).await.expect("filled");
    assert_eq!(found(&room, &within("password accepted", (0, 10))).await, [1]);
    assert!(found(&room, &within("correct-horse", (0, 10))).await.is_empty());
    assert!(found(&room, &within("ipmitool", (0, 10))).await.is_empty());
}

#[tokio::test]
async fn the_rest_of_the_question_counts_as_well() {
    let room = Room::new().await;
    let full = AuditEntry {
        node: Some("pve3".into()),
        cluster: Some(cluster_id(4)),
        reason: Some("the rack burns".into()),
        outcome: Outcome::Failed,
        ..printed(3, STATUS)
    };
    let mut all = vec![full.clone(); 6];
    all[0].node = Some("pve4".into());
    all[1].cluster = None;
    all[2].reason = None;
    all[3].outcome = Outcome::Success;
    all[4].output = Some("Quorate: Yes".into());
    room.store.fill_audit(&all).await.expect("filled");
    let filter = AuditFilter {
        node: full.node,
        cluster: full.cluster,
        words: Some("rack burns".into()),
        outcome: Some(full.outcome),
        who: Some(full.who),
        code: Some(full.code),
        ..within("blocked", (3, 4))
    };
    assert_eq!(found(&room, &filter).await, [6]);
    assert_eq!(found(&room, &AuditFilter { output: None, ..filter }).await, [6, 5]);
}

/// Two full blocks of lists, and what follows them; every page has what somebody finds who reads all.
#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let room = Room::new().await;
    let entry = |number: i64| {
        let output = if number % 100 == 7 { "needle in the hay" } else { "hay" };
        AuditEntry { who: format!("ops-{}", number % 3), ..printed(number, output) }
    };
    let all: Vec<AuditEntry> = (1..=17_000).map(entry).collect();
    room.store.fill_audit(&all).await.expect("filled");
    for who in [None, Some("ops-1")] {
        for period in [(0, 20_000), (4_000, 16_500)] {
            let filter = AuditFilter { who: who.map(str::to_owned), ..within("NEEDLE", period) };
            let meets = |one: &AuditEntry| {
                who.is_none_or(|who| one.who == who)
                    && one.output.as_ref().is_some_and(|text| text.contains("needle"))
                    && (at(period.0)..at(period.1)).contains(&one.at)
            };
            let mut expected: Vec<u64> =
                (1..).zip(&all).filter(|(_, one)| meets(one)).map(|(index, _)| index).collect();
            expected.reverse();
            let (mut seen, mut before) = (Vec::new(), None);
            loop {
                let page = room.store.find(&AuditFilter { before, ..filter.clone() }, 13).await.expect("found");
                assert!(!page.cut && page.entries.len() <= 13, "{filter:?}");
                assert_eq!(page.total, page.entries.len() as u64);
                assert_eq!(page.more, page.next.is_some() || before.is_some());
                seen.extend(page.entries.iter().map(|one| one.index));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn one_that_somebody_made_unreadable_is_named() {
    let room = Room::new().await;
    room.store.fill_audit(&[printed(1, "hay"), printed(2, "hay"), printed(3, "needle")]).await.expect("filled");
    room.store.derive().await.expect("derived");
    let mut intruder = room.intruder().await;
    for sql in ["DROP TRIGGER audit_no_update", "UPDATE audit SET bytes = x'7b' WHERE idx = 2"] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut intruder).await.expect("tampered");
    }
    let page = room.store.find(&within("needle", (0, 10)), 10).await.expect("found");
    assert_eq!(page.entries.iter().map(|one| one.index).collect::<Vec<_>>(), [3]);
    assert_eq!(page.unreadable, [2], "what it printed cannot be told");
}
