//! The links of a draft, measured between simulated nodes that are fine, slow, lossy, or silent.

use crate::house::{House, anna};
use lab::{Fault, Scenario};
use model::audit::{AuditCode, DETAILS};
use model::links::LinkPlan;
use model::live::Live;
use model::measure::{Measurement, Way};
use model::preflight::{FindingCode, Verdict};
use model::problem::ProblemCode;
use std::sync::Arc;

async fn measure(house: &House, links: &[LinkPlan]) -> Arc<Measurement> {
    house.engine().measure_links(&anna(), house.cluster, links).await.expect("a measurement")
}

async fn way(house: &House, found: &Measurement, link: u8, from: &str, to: &str) -> Way {
    let (from, to) = (house.id(from).await, house.id(to).await);
    found.way(link, from, to).expect("a way").clone()
}

#[tokio::test(start_paused = true)]
async fn every_ordered_pair_is_measured_on_every_link() {
    let house = House::new(Scenario::bare(3)).await;
    let links = house.links().await;
    let found = measure(&house, &links).await;
    assert_eq!((found.ways.len(), found.expected()), (12, 12));
    assert_eq!(found.count(Verdict::Pass), 12, "{:#?}", found.ways);
    for way in &found.ways {
        let pings = way.pings.expect("echo requests");
        assert!(pings.min_us <= pings.avg_us && pings.avg_us <= pings.max_us && pings.received == pings.sent);
        assert_eq!(way.path_mtu.map(|mtu| mtu.found), Some(1_500));
        assert!(way.udp.is_some_and(|udp| udp.sent > 0 && udp.echoed == udp.sent));
    }
    let kept = house.engine().hub.measured(house.cluster).expect("it is kept");
    assert_eq!((&kept.report, kept.evidence.len()), (&found, 3));
    let entries = house.audit().await;
    let run = entries.iter().find(|one| one.entry.code == AuditCode::LinksMeasured).expect("it is in the audit");
    assert_eq!(run.entry.details["pass"], "12");
    assert!(run.entry.details.keys().all(|name| DETAILS.contains(&name.as_str())), "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_shows_on_its_link_and_its_node_alone() {
    let house = House::new(Scenario::bare(3)).await;
    let links = house.links().await;
    let name = || "pve2".to_owned();
    house.inject(Fault::Delay { node: name(), link: 1, millis: 12 });
    house.inject(Fault::Mtu { node: "pve3".into(), link: 0, mtu: 1_400 });
    let found = measure(&house, &links).await;
    let slow = way(&house, &found, 1, "pve1", "pve2").await;
    assert_eq!((slow.verdict, slow.findings[0].code), (Verdict::Fail, FindingCode::PingSlow));
    assert!(slow.pings.is_some_and(|pings| pings.min_us > 12_000), "{slow:?}");
    let small = way(&house, &found, 0, "pve1", "pve3").await;
    assert_eq!((small.verdict, small.path_mtu.map(|mtu| mtu.found)), (Verdict::Fail, Some(1_400)));
    for (link, from, to) in [(0, "pve1", "pve2"), (1, "pve1", "pve3"), (1, "pve3", "pve1")] {
        assert_eq!(way(&house, &found, link, from, to).await.verdict, Verdict::Pass, "{link} {from} {to}");
    }
    let second = house.id("pve2").await;
    let of = |link: usize| links.get(link).and_then(|link| found.of_node(link, second));
    assert_eq!((of(0), of(1)), (Some(Verdict::Pass), Some(Verdict::Fail)));

    house.inject(Fault::Delay { node: name(), link: 1, millis: 0 });
    house.inject(Fault::Loss { node: name(), link: 1, percent: 20 });
    house.inject(Fault::BlockUdp { node: "pve3".into(), on: true });
    let again = measure(&house, &links).await;
    let lossy = way(&house, &again, 1, "pve2", "pve1").await;
    assert!(lossy.findings.iter().any(|one| one.code == FindingCode::PingLost), "{lossy:?}");
    let silent = way(&house, &again, 1, "pve3", "pve1").await;
    assert!(silent.findings.iter().any(|one| one.code == FindingCode::UdpLost), "{silent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_asked_leaves_its_ways_unknown() {
    let house = House::new(Scenario::bare(3)).await;
    let links = house.links().await;
    house.inject(Fault::Kill { node: "pve3".into() });
    let found = measure(&house, &links).await;
    assert_eq!(found.ways.len(), found.expected(), "every way is told");
    for (from, to) in [("pve3", "pve1"), ("pve1", "pve3")] {
        let way = way(&house, &found, 0, from, to).await;
        assert_eq!((way.verdict, way.pings.is_some()), (Verdict::Error, false), "{from} {to}");
        assert!(way.problem.is_some());
    }
    assert_eq!(way(&house, &found, 0, "pve1", "pve2").await.verdict, Verdict::Pass);
    assert_eq!(found.of_link(&links[0]), Some(Verdict::Error));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_the_nodes_own_is_called_by_nobody() {
    let house = House::new(Scenario::bare(2)).await;
    let mut links = house.links().await;
    let second = house.id("pve2").await;
    links[0].addresses.insert(second, "10.0.1.77".parse().expect("address"));
    let found = measure(&house, &links).await;
    let there = way(&house, &found, 0, "pve1", "pve2").await;
    assert_eq!(there.problem.map(|problem| problem.code), Some(ProblemCode::LinkNotLocal));
    let kept = house.engine().hub.measured(house.cluster).expect("it is kept");
    let printed = kept.evidence.values().flat_map(|one| &one.lines).any(|line| line.text.contains("10.0.1.77"));
    assert!(!printed, "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_measure_without_links_or_without_a_second_node() {
    let house = House::new(Scenario::bare(2)).await;
    let links = house.links().await;
    let refused = |links: Vec<LinkPlan>| {
        let house = &house;
        async move { house.engine().measure_links(&anna(), house.cluster, &links).await.map(drop).map_err(|p| p.code) }
    };
    assert_eq!(refused(Vec::new()).await, Err(ProblemCode::LinksIncomplete));
    assert_eq!(refused(vec![links[0].clone(); 9]).await, Err(ProblemCode::LinksIncomplete));
    let first = house.id("pve1").await;
    let mut alone = links[0].clone();
    alone.addresses.retain(|node, _| *node == first);
    assert_eq!(refused(vec![alone]).await, Err(ProblemCode::NodeCountTooLow));
}

#[tokio::test(start_paused = true)]
async fn everybody_who_watches_sees_it_begin_and_end() {
    let house = House::new(Scenario::bare(2)).await;
    let links = house.links().await;
    let mut live = house.engine().hub.subscribe(house.cluster);
    let found = measure(&house, &links).await;
    let mut told = Vec::new();
    while let Ok(message) = live.try_recv() {
        if let Live::Measurement(one) = &message.what {
            told.push((one.ways.len(), one.finished_at.is_some()));
        }
    }
    assert_eq!(told.first(), Some(&(0, false)));
    assert_eq!(told.last(), Some(&(found.ways.len(), true)));
}

#[tokio::test(start_paused = true)]
async fn of_two_measurements_at_once_the_second_is_told_who_runs_the_first() {
    let house = House::new(Scenario::bare(3)).await;
    let links = house.links().await;
    let olga = engine::audit::Person { name: "olga".into() };
    let anna = anna();
    let first = house.engine().measure_links(&anna, house.cluster, &links);
    let second = house.engine().measure_links(&olga, house.cluster, &links);
    // Whoever of the two comes first has the turn.
    let (report, refused, by) = match tokio::join!(first, second) {
        (Ok(report), Err(refused)) => (report, refused, "anna"),
        (Err(refused), Ok(report)) => (report, refused, "olga"),
        both => panic!("one at a time: {both:?}"),
    };
    assert_eq!(report.count(Verdict::Pass), 12, "nothing disturbs it");
    assert_eq!(refused.code, ProblemCode::MeasuringAlready);
    assert_eq!(refused.params.get("by").map(String::as_str), Some(by));
    let runs = house.audit().await;
    assert_eq!(runs.iter().filter(|one| one.entry.code == AuditCode::LinksMeasured).count(), 1);
    // Afterwards it is anybody's turn, and the checks, which need the same ports, wait for theirs.
    let measuring = house.engine().measure_links(&olga, house.cluster, &links);
    let checking = house.engine().run_checks(&anna, house.cluster);
    let (measured, checked) = tokio::join!(measuring, checking);
    assert_eq!(measured.expect("a measurement").count(Verdict::Pass), 12);
    assert!(checked.expect("a matrix").passes());
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_counts_on_after_a_restart() {
    let mut house = House::new(Scenario::bare(2)).await;
    let links = house.links().await;
    let checked = house.engine().run_checks(&anna(), house.cluster).await.expect("a matrix");
    let measured = measure(&house, &links).await;
    house.restart().await;
    assert!(house.engine().hub.matrix(house.cluster).is_none(), "a new process knows nothing");
    house.engine().watch_all().await;
    let hub = &house.engine().hub;
    assert_eq!(hub.matrix(house.cluster).as_deref(), Some(&checked), "evidence and all");
    let kept = hub.measured(house.cluster).expect("the measurement");
    assert_eq!((&kept.report, kept.evidence.len()), (&measured, 2));
    // What is known already is not replaced by what was kept.
    let again = house.engine().run_checks(&anna(), house.cluster).await.expect("a matrix");
    house.engine().watch_all().await;
    assert_eq!(house.engine().hub.matrix(house.cluster).as_deref(), Some(&again));
}
