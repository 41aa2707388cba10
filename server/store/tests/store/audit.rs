use crate::support::{Room, at, cluster_id, entry};
use engine::audit::DETAIL_STARTED;
use engine::audit::chain::{GENESIS, entry_hash};
use engine::ports::AuditStore as _;
use model::audit::{AuditCode, AuditEntry, AuditFilter, COUNT_MAX, ChainState, Outcome};
use model::ids::OperationId;
use model::risk::Risk;
use std::collections::BTreeSet;
use uuid::Uuid;

#[tokio::test]
async fn entries_come_back_as_they_were_and_chained() {
    let room = Room::new().await;
    let first = room.store.append(full()).await.expect("append");
    let second = room.store.append(entry(AuditCode::SignedOut)).await.expect("append");
    assert_eq!((first.index, second.index), (1, 2));
    assert_eq!(first.previous, hex::encode(GENESIS));
    assert_eq!(second.previous, first.hash);
    let bytes = serde_json::to_vec(&full()).expect("bytes");
    assert_eq!(first.hash, hex::encode(entry_hash(&GENESIS, &bytes, 1)));
    assert_eq!(room.store.entry(1).await.expect("entry"), first);
    assert_eq!(first.entry, full());
    assert_eq!(crate::support::missing(room.store.entry(3).await), "audit entry");
}

#[tokio::test]
async fn eight_writers_make_one_chain() {
    let room = Room::new().await;
    let tasks: Vec<_> = (0..8)
        .map(|writer| {
            let store = room.store.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    store
                        .append(AuditEntry { who: format!("ops-{writer}"), ..entry(AuditCode::SignedIn) })
                        .await
                        .expect("append");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("task");
    }
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { entries: 200, .. })));
}

#[tokio::test]
async fn an_empty_audit_is_whole() {
    let room = Room::new().await;
    let Ok(ChainState::Whole { entries: 0, head, .. }) = room.store.verify().await else { panic!("not whole") };
    assert_eq!(head, hex::encode(GENESIS));
}

#[tokio::test]
async fn every_filter_finds_its_entry_and_no_other() {
    let room = Room::new().await;
    for code in [AuditCode::SignedIn, AuditCode::SignedOut] {
        room.store.append(AuditEntry { who: "system".into(), at: at(-50), ..entry(code) }).await.expect("append");
    }
    room.store.append(full()).await.expect("append");
    let e = full();
    let none = AuditFilter::default;
    let filters = [
        AuditFilter { who: Some(e.who.clone()), ..none() },
        AuditFilter { cluster: e.cluster, ..none() },
        AuditFilter { node: e.node.clone(), ..none() },
        AuditFilter { code: Some(e.code), ..none() },
        AuditFilter { outcome: Some(e.outcome), ..none() },
        AuditFilter { operation: e.operation, ..none() },
        AuditFilter { risk: e.risk, ..none() },
        AuditFilter { from: Some(e.at), ..none() },
        AuditFilter { words: Some("CORPSE-2".into()), ..none() },
    ];
    for filter in filters {
        let page = room.store.find(&filter, 10).await.expect("find");
        assert_eq!((page.total, page.entries.len()), (1, 1), "{filter:?}");
        assert_eq!(page.entries[0].entry, e, "{filter:?}");
    }
    let before = room.store.find(&AuditFilter { until: Some(e.at), ..none() }, 10).await.expect("find");
    assert_eq!(before.total, 2, "the end of a period is not in it");
}

#[tokio::test]
async fn a_period_is_whole_even_where_the_clock_was_set_back() {
    let room = Room::new().await;
    for second in [1, 5, 9, 2, 6, 3] {
        room.store.append(AuditEntry { at: at(second), ..entry(AuditCode::SignedIn) }).await.expect("append");
    }
    for (from, until, indexes) in [
        (Some(2), Some(6), vec![6, 4, 2]),
        (Some(6), None, vec![5, 3]),
        (None, Some(2), vec![1]),
        (Some(20), None, vec![]),
    ] {
        let filter = AuditFilter { from: from.map(at), until: until.map(at), ..AuditFilter::default() };
        let page = room.store.find(&filter, 10).await.expect("find");
        assert_eq!(page.entries.iter().map(|e| e.index).collect::<Vec<_>>(), indexes, "{from:?} {until:?}");
        assert_eq!(page.total, u64::try_from(indexes.len()).expect("small"));
    }
}

#[tokio::test]
async fn a_period_of_many_blocks_is_whole() {
    let room = Room::new().await;
    // Two entries a second, and one in the second block that comes an hour late.
    let mut all: Vec<AuditEntry> =
        (0..4_300).map(|n| AuditEntry { at: at(n / 2), ..entry(AuditCode::SignedIn) }).collect();
    all[1_500].at = at(1_999);
    all[4_299].who = "ops-2".into();
    room.store.fill_audit(&all).await.expect("filled");
    for (from, until) in [
        (None, Some(10)),
        (Some(400), Some(1_700)),
        (Some(1_999), Some(2_000)),
        (Some(2_140), None),
        (Some(9_000), None),
    ] {
        for who in [None, Some("ops-1"), Some("ops-2")] {
            let filter = AuditFilter {
                who: who.map(str::to_owned),
                from: from.map(at),
                until: until.map(at),
                ..AuditFilter::default()
            };
            let meets = |one: &AuditEntry| {
                who.is_none_or(|who| one.who == who)
                    && from.is_none_or(|from| one.at >= at(from))
                    && until.is_none_or(|until| one.at < at(until))
            };
            let expected: Vec<u64> = (1..).zip(&all).filter(|(_, one)| meets(one)).map(|(index, _)| index).collect();
            let mut seen = Vec::new();
            let mut before = None;
            loop {
                let page = room.store.find(&AuditFilter { before, ..filter.clone() }, 500).await.expect("find");
                let (count, counted) = (expected.len() as u64, (page.total, page.more));
                assert_eq!(counted, (count.min(COUNT_MAX), count > COUNT_MAX), "{filter:?}");
                seen.extend(page.entries.iter().map(|one| one.index));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            seen.reverse();
            assert_eq!(seen, expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn filters_together_find_what_meets_all_of_them() {
    let room = Room::new().await;
    let mut others = vec![entry(AuditCode::CommandFinished), full(), full(), full(), full()];
    others[1].node = Some("pve4".into());
    others[2].who = "ops-3".into();
    others[3].outcome = Outcome::Success;
    others[4].risk = None;
    for one in others.into_iter().chain([full()]) {
        room.store.append(one).await.expect("append");
    }
    let e = full();
    let filter = AuditFilter {
        who: Some(e.who),
        node: e.node,
        outcome: Some(e.outcome),
        risk: e.risk,
        cluster: e.cluster,
        code: Some(e.code),
        words: Some("pvecm add".into()),
        from: Some(e.at),
        ..AuditFilter::default()
    };
    let page = room.store.find(&filter, 10).await.expect("find");
    assert_eq!(page.entries.iter().map(|one| one.index).collect::<Vec<_>>(), [6]);
    assert_eq!(page.total, 1);
}

#[tokio::test]
async fn words_are_words_and_not_patterns() {
    let room = Room::new().await;
    for reason in ["100 % sure", "a_b", r"C:\x", "Größe ändern", "plain"] {
        room.store
            .append(AuditEntry { reason: Some(reason.into()), ..entry(AuditCode::PlanProposed) })
            .await
            .expect("append");
    }
    for (words, found) in [
        ("%", 1),
        ("_", 1),
        (r"\", 1),
        ("GRÖSSE", 0),
        ("GRÖßE", 1),
        ("ÄNDERN größe", 1),
        ("plain größe", 0),
        ("ops-1", 5),
        ("ops", 5),
        ("pla", 0),
        ("pla*", 1),
        ("pl* größ*", 0),
        ("*", 0),
        ("qkeyw6f70732d31", 0),
        ("lain", 0),
        ("\"plain\"", 1),
        ("NOT plain", 0),
        ("' OR 1=1 --", 0),
    ] {
        let page = room
            .store
            .find(&AuditFilter { words: Some(words.into()), ..AuditFilter::default() }, 10)
            .await
            .expect("find");
        assert_eq!(page.total, found, "{words}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let room = Room::new().await;
    for _ in 0..7 {
        room.store.append(entry(AuditCode::SignedIn)).await.expect("append");
    }
    for filter in [AuditFilter::default(), AuditFilter { who: Some("ops-1".into()), ..AuditFilter::default() }] {
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let page = room.store.find(&AuditFilter { before, ..filter.clone() }, 3).await.expect("find");
            assert_eq!(page.total, 7);
            seen.extend(page.entries.iter().map(|entry| entry.index));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    }
}

#[tokio::test]
async fn what_began_and_has_no_end_is_found() {
    let room = Room::new().await;
    for _ in 0..3 {
        room.store.append(entry(AuditCode::CommandStarted)).await.expect("append");
    }
    let mut finished = entry(AuditCode::CommandFinished);
    finished.details.insert(DETAIL_STARTED.into(), "1".into());
    room.store.append(finished).await.expect("append");
    let left: BTreeSet<u64> = room.store.unpaired().await.expect("unpaired").iter().map(|entry| entry.index).collect();
    assert_eq!(left, [2, 3].into());
    let mut unknown = AuditEntry { outcome: Outcome::Unknown, ..entry(AuditCode::OutcomeUnknown) };
    unknown.details.insert(DETAIL_STARTED.into(), "2".into());
    room.store.append(unknown).await.expect("append");
    let left: Vec<u64> = room.store.unpaired().await.expect("unpaired").iter().map(|entry| entry.index).collect();
    assert_eq!(left, [3], "an unknown outcome is said once, not at every start");
}

/// Every field is set.
fn full() -> AuditEntry {
    AuditEntry {
        at: at(9),
        code: AuditCode::CommandFinished,
        who: "ops-2".into(),
        outcome: Outcome::Failed,
        cluster: Some(cluster_id(4)),
        cluster_name: Some("pve-prod".into()),
        node: Some("pve3".into()),
        operation: Some(OperationId::from_uuid(Uuid::from_u128(6))),
        step: Some(3),
        risk: Some(Risk::Disruptive),
        command: Some("pvecm add 192.0.2.1 --use_ssh".into()),
        exit: Some(-1),
        millis: Some(1_234),
        output: Some("no\nquorum".into()),
        reason: Some("replaces Corpse-2".into()),
        details: [("link0".into(), "192.0.2.3".into())].into(),
    }
}

#[tokio::test]
async fn entries_are_counted_up_to_a_limit_and_all_of_them_without_one() {
    let most = usize::try_from(COUNT_MAX).expect("small");
    let by = AuditFilter { who: Some("ops-1".into()), ..AuditFilter::default() };
    for (filter, counted, one_more) in [
        (by, (COUNT_MAX, false), (COUNT_MAX, true)),
        (AuditFilter::default(), (COUNT_MAX, false), (COUNT_MAX + 1, false)),
    ] {
        let room = Room::new().await;
        room.store.fill_audit(&vec![entry(AuditCode::SignedIn); most]).await.expect("filled");
        for (before, told) in [(None, counted), (Some(60), counted)] {
            let page = room.store.find(&AuditFilter { before, ..filter.clone() }, 50).await.expect("found");
            assert_eq!((page.total, page.more), told);
        }
        room.store.append(entry(AuditCode::SignedIn)).await.expect("one more");
        let page = room.store.find(&filter, 50).await.expect("found");
        assert_eq!((page.total, page.more), one_more);
    }
}
