//! Watching a live cluster that falls ill and recovers.

use crate::house::House;
use engine::evidence::readings;
use jiff::Timestamp;
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::live::Live;
use model::observation::Freshness;
use model::reading::ReadingCode;
use model::topology::{Contact, Health, LinkHealth, Membership, NodeState, Snapshot};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;

/// A token is lost after about 3 s with three nodes, and the others form their ring in 3 more (corosync.conf(5)).
const SEEN_WITHIN: Duration = Duration::from_secs(15);
/// Power on, services up, a new ring, and the console's own pause between two tries.
const BACK_WITHIN: Duration = Duration::from_secs(240);

fn now(house: &House) -> Arc<Snapshot> {
    house.engine().hub.snapshot(house.cluster).expect("watched")
}

fn node(snapshot: &Snapshot, name: &str) -> NodeState {
    snapshot.nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

async fn watched(count: u8) -> House {
    let house = House::new(Scenario::healthy(count)).await;
    house.engine().watch(house.cluster).await;
    healthy(&house).await;
    house
}

async fn healthy(house: &House) {
    house.until("healthy", BACK_WITHIN, async || now(house).health == Health::Healthy).await;
}

type Stream = Receiver<Arc<engine::hub::Message>>;

/// Everything that was sent: without a gap, and no snapshot older than the one before.
fn in_order(stream: &mut Stream) -> usize {
    let (mut last, mut snapshots) = (None::<(u64, jiff::Timestamp)>, 0);
    while let Ok(event) = stream.try_recv() {
        if let Some((seq, at)) = last {
            assert_eq!(event.seq, seq + 1);
            assert!(event.at >= at, "time goes back");
        }
        if let Live::Snapshot(snapshot) = &event.what {
            assert!(snapshot.at <= event.at);
            snapshots += 1;
        }
        last = Some((event.seq, event.at));
    }
    snapshots
}

#[tokio::test(start_paused = true)]
async fn the_audit_says_in_one_entry_what_was_watched() {
    let house = watched(3).await;
    house.inject(Fault::Kill { node: "pve3".into() });
    house.until("gone", SEEN_WITHIN, async || node(&now(&house), "pve3").membership == Membership::Absent).await;
    let lost = async || matches!(node(&now(&house), "pve3").contact, Contact::Lost { .. });
    house.until("lost", BACK_WITHIN, lost).await;
    house.engine().summarise_watching().await.expect("written");
    let entries = house.audit().await;
    let all: Vec<_> = entries.iter().filter(|one| one.entry.code == AuditCode::WatchSummary).collect();
    let [summary] = all.as_slice() else { panic!("{all:#?}") };
    let details = &summary.entry.details;
    assert_eq!((summary.entry.cluster, summary.entry.who.as_str()), (Some(house.cluster), "system"));
    assert_eq!((details["nodes"].as_str(), details["lost"].as_str()), ("3", "1"));
    assert!(details["answers"].parse::<u64>().expect("a number") > 10, "{details:?}");
    assert!(details.keys().all(|name| model::audit::DETAILS.contains(&name.as_str())));
    house.engine().watchers.stop_all();
    house.engine().summarise_watching().await.expect("written");
    house.engine().summarise_watching().await.expect("nothing to write");
    let again = house.audit().await.into_iter().filter(|one| one.entry.code == AuditCode::WatchSummary).count();
    assert!(again <= 2, "an hour without watching has no entry");
}

#[tokio::test(start_paused = true)]
async fn a_node_dies_and_comes_back() {
    let house = watched(3).await;
    let mut stream = house.engine().hub.subscribe(house.cluster);
    house.inject(Fault::Kill { node: "pve3".into() });
    let absent = async || {
        let snapshot = now(&house);
        node(&snapshot, "pve3").membership == Membership::Absent && snapshot.health == Health::Degraded
    };
    house.until("pve3 is absent", SEEN_WITHIN, absent).await;
    let snapshot = now(&house);
    assert_eq!(
        (node(&snapshot, "pve1").membership, node(&snapshot, "pve2").membership),
        (Membership::Member, Membership::Member)
    );
    assert_eq!(snapshot.tolerates, Some(0), "the next failure loses quorum");
    assert!(in_order(&mut stream) > 0);

    house.inject(Fault::Start { node: "pve3".into() });
    healthy(&house).await;
    assert!(matches!(node(&now(&house), "pve3").contact, Contact::Connected { .. }));
    in_order(&mut stream);
}

#[tokio::test(start_paused = true)]
async fn a_cut_link_is_down_from_both_ends() {
    let house = watched(3).await;
    house.inject(Fault::CutLink { node: "pve2".into(), link: 1 });
    let is = |wanted: LinkHealth| {
        let snapshot = now(&house);
        let ends = |link: &model::topology::PairLink| link.link == 1 && (link.from == "pve2" || link.to == "pve2");
        let hit: Vec<_> = snapshot.links.iter().filter(|link| ends(link)).collect();
        let rest = snapshot.links.iter().filter(|link| !ends(link)).all(|link| link.health == LinkHealth::Up);
        hit.len() == 2 && hit.iter().all(|link| link.health == wanted) && rest
    };
    house.until("link 1 of pve2 is down", SEEN_WITHIN, async || is(LinkHealth::Down)).await;
    let snapshot = now(&house);
    assert_eq!(snapshot.health, Health::Degraded);
    assert!(snapshot.nodes.iter().all(|node| node.membership == Membership::Member), "link 0 carries the ring");
    house.inject(Fault::RestoreLink { node: "pve2".into(), link: 1 });
    house.until("link 1 of pve2 is up", BACK_WITHIN, async || is(LinkHealth::Up)).await;
}

#[tokio::test(start_paused = true)]
async fn quorum_is_lost_and_found() {
    let house = watched(3).await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.until("no quorum", SEEN_WITHIN, async || now(&house).health == Health::NoQuorum).await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Start { node: node.into() });
    }
    healthy(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_hanging_node_disturbs_nobody() {
    let house = watched(3).await;
    house.inject(Fault::HangCommands { node: "pve3".into(), on: true });
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let snapshot = now(&house);
        for name in ["pve1", "pve2"] {
            let state = node(&snapshot, name);
            assert_eq!((state.freshness, state.membership), (Freshness::Fresh, Membership::Member), "{name}");
            assert!(matches!(state.contact, Contact::Connected { .. }), "{name}: {:?}", state.contact);
        }
        assert_eq!(node(&snapshot, "pve3").membership, Membership::Member, "the others still see it");
        let quorum = snapshot.quorum.as_ref().expect("known");
        assert_eq!((quorum.freshness, quorum.fact.value.members.len()), (Freshness::Fresh, 3));
    }
    house.inject(Fault::HangCommands { node: "pve3".into(), on: false });
    healthy(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_node_is_lost_and_found_again() {
    let house = watched(3).await;
    house.inject(Fault::Freeze { node: "pve2".into() });
    let lost = async || matches!(node(&now(&house), "pve2").contact, Contact::Lost { .. });
    house.until("the connection is given up", Duration::from_secs(60), lost).await;
    assert_eq!(node(&now(&house), "pve1").freshness, Freshness::Fresh);
    house.inject(Fault::Thaw { node: "pve2".into() });
    healthy(&house).await;
}

/// The summaries of the audit: when they were written, and since when they count.
async fn summaries(house: &House) -> Vec<(Timestamp, Timestamp)> {
    let entries = house.audit().await.into_iter().filter(|one| one.entry.code == AuditCode::WatchSummary);
    entries.map(|one| (one.entry.at, one.entry.details["since"].parse().expect("a time"))).collect()
}

#[tokio::test(start_paused = true)]
async fn each_hour_has_its_summary() {
    let house = watched(1).await;
    let engine = house.engine().clone();
    let began = engine.clock.now();
    let hourly = tokio::spawn(async move { engine.summarise_hourly().await });
    tokio::time::sleep(Duration::from_secs(3_590)).await;
    assert_eq!(summaries(&house).await, [], "not before the hour is over");
    for hours in 1..=3_usize {
        let written = async || summaries(&house).await.len() == hours;
        house.until("the hour is told", Duration::from_secs(30), written).await;
        let all = summaries(&house).await;
        let at = |index: usize| all[index].0.duration_since(began).as_secs();
        let hour = i64::try_from(hours).expect("few") * 3_600;
        assert!((hour - 5..hour + 30).contains(&at(hours - 1)), "{hours}: after {} s", at(hours - 1));
        assert!(hours == 1 || all[hours - 1].1 >= all[hours - 2].0, "counted from the last one on");
        tokio::time::sleep(Duration::from_secs(3_580)).await;
    }
    hourly.abort();
}

#[tokio::test(start_paused = true)]
async fn behind_every_shown_fact_stands_what_the_node_printed() {
    let house = watched(3).await;
    let stop = |house: &House| house.inject(Fault::StopCorosync { node: "pve3".into() });
    for change in [None, Some(stop)] {
        if let Some(change) = change {
            change(&house);
            let degraded = async || now(&house).health == Health::Degraded;
            house.until("it is seen", SEEN_WITHIN, degraded).await;
        }
        let snapshot = now(&house);
        house.engine().evidence.flush().await;
        let mut facts = Vec::new();
        for state in &snapshot.nodes {
            facts.extend(state.membership_source.clone());
            facts.extend(state.pmxcfs.as_ref().map(|aged| model::observation::carry(&aged.fact, ())));
            facts.extend(state.version.as_ref().map(|aged| model::observation::carry(&aged.fact, ())));
        }
        facts.extend(
            snapshot.links.iter().flat_map(|link| &link.told_by).map(|fact| model::observation::carry(fact, ())),
        );
        facts.extend(snapshot.quorum.as_ref().map(|aged| model::observation::carry(&aged.fact, ())));
        facts.extend(snapshot.config_version.as_ref().map(|fact| model::observation::carry(fact, ())));
        assert!(facts.len() > 11);
        for fact in facts {
            let kept = house.engine().store.behind(house.cluster, &fact.node, &fact.command, fact.at).await;
            let kept = kept.unwrap_or_else(|error| panic!("{error}: {fact:?}"));
            assert!(!kept.evidence.lines.is_empty(), "{fact:?}");
            let said = readings(&kept.evidence);
            let nothing = [ReadingCode::Quoted, ReadingCode::CutShort, ReadingCode::Unreadable];
            assert!(said.iter().all(|one| !nothing.contains(&one.code)), "{fact:?}: {said:?}");
        }
    }
    let rows = house.engine().store.evidence_of(house.cluster, None, 1_000).await.expect("kept").len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    house.engine().evidence.flush().await;
    let later = house.engine().store.evidence_of(house.cluster, None, 1_000).await.expect("kept").len();
    assert!(later - rows < 20, "ten quiet minutes are no {} new rows", later - rows);
}

#[tokio::test(start_paused = true)]
async fn pmxcfs_that_stays_behind_corosync_is_shown() {
    let house = watched(3).await;
    let writable = |node: &NodeState| node.pmxcfs.as_ref().and_then(|aged| aged.fact.value.writable);
    assert!(now(&house).nodes.iter().all(|node| writable(node) == Some(true)));
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    let read_only = async || {
        let pmxcfs = node(&now(&house), "pve1").pmxcfs.expect("told");
        pmxcfs.fact.value.writable == Some(false) && pmxcfs.freshness == Freshness::Fresh
    };
    house.until("pve1 refuses writes", Duration::from_secs(25), read_only).await;
    assert!(now(&house).nodes.iter().filter_map(|node| node.capability.as_ref()).all(|aged| aged.fact.value.verified));
}
