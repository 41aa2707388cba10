//! Three nodes, two links; names and numbers that appear nowhere else.

use super::*;
use crate::facts::host::WholePackets;
use crate::observation::EvidenceLine;
use crate::preflight::FindingCode;
use crate::problem::ProblemCode;
use uuid::Uuid;

const FINE: Pings = Pings { sent: 20, received: 20, min_us: 140, avg_us: 190, max_us: 310, jitter_us: 22 };

fn id(n: u8) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn address(n: u8, net: u8) -> IpAddr {
    format!("10.71.{net}.{n}").parse().unwrap()
}

fn links() -> Vec<LinkPlan> {
    let link = |number: u8| LinkPlan {
        number,
        priority: None,
        network: None,
        addresses: (1..=3).map(|n| (id(n), address(n, number))).collect(),
    };
    vec![link(0), link(1)]
}

/// Every node with the report of a network without faults.
fn fine() -> Vec<NodeReport> {
    let plan = targets(&links(), |_, _| 1_500);
    let report = |n: u8| {
        let part = &plan[&id(n)];
        ProbeReport {
            listen: part.listen.iter().map(|one| (one.to_string(), "ok".to_owned())).collect(),
            udp: part.udp.iter().map(|(_, one)| (one.to_string(), (5, 5))).collect(),
            pings: part.echo.iter().map(|(_, peer, _)| (peer.to_string(), FINE)).collect(),
            whole: part
                .echo
                .iter()
                .map(|(_, peer, bytes)| (peer.to_string(), WholePackets { bytes: *bytes, sent: 3, received: 3 }))
                .collect(),
            path_mtu: part.echo.iter().map(|(_, peer, bytes)| (peer.to_string(), *bytes)).collect(),
            ..ProbeReport::default()
        }
    };
    (1..=3).map(|n| NodeReport { node: id(n), label: format!("elm{n}"), report: Some(Ok(report(n))) }).collect()
}

fn measurement(nodes: &[NodeReport]) -> Measurement {
    Measurement {
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Some(Timestamp::UNIX_EPOCH),
        links: links(),
        nodes: Vec::new(),
        ways: judge(&links(), nodes),
    }
}

/// The way from elm1 to elm2 on link 1 after a change of elm1's report.
fn after(change: impl FnOnce(&mut ProbeReport)) -> Way {
    let mut nodes = fine();
    change(nodes[0].report.as_mut().unwrap().as_mut().unwrap());
    measurement(&nodes).way(1, id(1), id(2)).unwrap().clone()
}

fn pings(change: impl FnOnce(&mut Pings)) -> Way {
    after(|report| change(report.pings.get_mut("10.71.1.2").unwrap()))
}

fn said(way: &Way) -> (Verdict, Vec<FindingCode>) {
    (way.verdict, way.findings.iter().map(|one| one.code).collect())
}

#[test]
fn every_ordered_pair_on_every_link_is_a_way_with_all_its_figures() {
    let all = measurement(&fine());
    assert_eq!((all.ways.len(), all.expected()), (12, 12));
    for way in &all.ways {
        assert_eq!(said(way), (Verdict::Pass, vec![]));
        let figures = (way.pings, way.path_mtu, way.udp);
        let expected = (PathMtu { found: 1_500, own: 1_500 }, UdpEchoes { echoed: 5, sent: 5 });
        assert_eq!(figures, (Some(FINE), Some(expected.0), Some(expected.1)));
    }
    assert_eq!(all.of_link(&links()[1]), Some(Verdict::Pass));
}

#[test]
fn each_port_is_that_of_its_link() {
    let part = &targets(&links(), |_, _| 9_000)[&id(2)];
    let udp: Vec<String> = part.udp.iter().map(|(_, one)| one.to_string()).collect();
    assert_eq!(udp, ["10.71.0.1:5405", "10.71.0.3:5405", "10.71.1.1:5406", "10.71.1.3:5406"]);
    assert_eq!(part.echo[0], (address(2, 0), address(1, 0), 9_000));
    assert!(part.tcp.is_empty() && part.refusing.is_empty());
}

#[test]
fn latency_is_judged_as_the_number_of_nodes_bears_it() {
    assert_eq!(said(&pings(|one| one.avg_us = 2_000)), (Verdict::Pass, vec![]));
    let slow = vec![FindingCode::PingSlow];
    assert_eq!(said(&pings(|one| one.avg_us = 2_100)), (Verdict::Warn, slow.clone()));
    assert_eq!(said(&pings(|one| one.avg_us = 10_000)), (Verdict::Warn, slow.clone()), "three nodes bear more");
    let failed = pings(|one| one.avg_us = 10_100);
    assert_eq!(said(&failed), (Verdict::Fail, slow.clone()));
    assert_eq!(failed.findings[0].params["peer"], "elm2");
    assert_eq!(said(&pings(|one| one.max_us = 10_100)), (Verdict::Warn, vec![FindingCode::PingPeak]));
    // A fourth node, and the same way is too slow.
    let mut nodes = fine();
    let more = links().into_iter().map(|link| {
        let added = (id(4), address(4, link.number));
        LinkPlan { addresses: link.addresses.into_iter().chain([added]).collect(), ..link }
    });
    let report = nodes[0].report.as_mut().unwrap().as_mut().unwrap();
    report.pings.get_mut("10.71.1.2").unwrap().avg_us = 5_100;
    let three = judge(&links(), &nodes);
    nodes.push(NodeReport { node: id(4), label: "elm4".into(), report: None });
    let four = judge(&more.collect::<Vec<_>>(), &nodes);
    let verdict =
        |ways: &[Way]| ways.iter().find(|way| (way.link, way.from, way.to) == (1, id(1), id(2))).map(|way| way.verdict);
    assert_eq!((verdict(&three), verdict(&four)), (Some(Verdict::Warn), Some(Verdict::Fail)));
}

#[test]
fn losses_and_jitter_have_their_limits() {
    assert_eq!(said(&pings(|one| one.received = 19)), (Verdict::Warn, vec![FindingCode::PingLost]));
    assert_eq!(said(&pings(|one| one.received = 18)), (Verdict::Fail, vec![FindingCode::PingLost]));
    assert_eq!(said(&pings(|one| one.jitter_us = 1_100)), (Verdict::Warn, vec![FindingCode::PingUneven]));
    assert_eq!(said(&pings(|one| one.jitter_us = 3_100)), (Verdict::Fail, vec![FindingCode::PingUneven]));
    let dead = pings(|one| *one = Pings { sent: 20, received: 0, min_us: 0, avg_us: 0, max_us: 0, jitter_us: 0 });
    assert_eq!(said(&dead), (Verdict::Fail, vec![FindingCode::PingLost]), "silence is not also slow or small");
    assert_eq!(dead.path_mtu, None);
}

#[test]
fn a_path_that_takes_less_than_the_interface_fails() {
    let small = after(|report| {
        report.path_mtu.insert("10.71.1.2".into(), 1_413);
    });
    assert_eq!(said(&small), (Verdict::Fail, vec![FindingCode::MtuBlocked]));
    assert_eq!(small.path_mtu, Some(PathMtu { found: 1_413, own: 1_500 }));
    let mut nodes = fine();
    let far = nodes[1].report.as_mut().unwrap().as_mut().unwrap();
    far.whole.get_mut("10.71.1.1").unwrap().bytes = 9_000;
    let all = measurement(&nodes);
    let near = all.way(1, id(1), id(2)).unwrap();
    assert_eq!(said(near), (Verdict::Warn, vec![FindingCode::MtuDiffers]));
    assert_eq!(near.findings[0].params["other"], "9000");
}

#[test]
fn datagrams_have_to_come_back_from_the_links_own_port() {
    let udp = |echoed| {
        after(|report| {
            report.udp.insert("10.71.1.2:5406".into(), (echoed, 5));
        })
    };
    assert_eq!(said(&udp(4)), (Verdict::Warn, vec![FindingCode::UdpSomeLost]));
    let lost = udp(0);
    assert_eq!(said(&lost), (Verdict::Fail, vec![FindingCode::UdpLost]));
    assert_eq!(lost.findings[0].params["port"], "5406");
}

#[test]
fn where_corosync_has_the_port_datagrams_are_left_out_and_said_so() {
    let mut nodes = fine();
    let far = nodes[1].report.as_mut().unwrap().as_mut().unwrap();
    far.listen.insert("10.71.1.2:5406".into(), "busy".into());
    let all = measurement(&nodes);
    let way = all.way(1, id(1), id(2)).unwrap();
    assert_eq!(said(way), (Verdict::Skipped, vec![FindingCode::PortTaken]));
    assert_eq!((way.udp, way.pings), (None, Some(FINE)), "the rest is measured");
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_a_pass() {
    for take in [
        |report: &mut ProbeReport| report.pings.clear(),
        |report: &mut ProbeReport| report.path_mtu.clear(),
        |report: &mut ProbeReport| report.whole.clear(),
        |report: &mut ProbeReport| report.udp.clear(),
    ] {
        let way = after(take);
        assert_eq!(way.verdict, Verdict::Error);
        assert_eq!(way.problem.map(|problem| problem.code), Some(ProblemCode::Garbage));
    }
    let mut nodes = fine();
    nodes[1].report = Some(Err(ProblemCode::NodeHangs.into()));
    let all = measurement(&nodes);
    let (there, back) = (all.way(0, id(1), id(2)).unwrap(), all.way(0, id(2), id(1)).unwrap());
    assert_eq!((there.verdict, there.pings), (Verdict::Error, Some(FINE)), "its address was measured all the same");
    assert_eq!((back.verdict, back.pings), (Verdict::Error, None));
    let mut deaf = fine();
    let far = deaf[1].report.as_mut().unwrap().as_mut().unwrap();
    far.listen.insert("10.71.1.2:5406".into(), "Cannot assign requested address".into());
    let way = measurement(&deaf).way(1, id(1), id(2)).cloned().unwrap();
    assert_eq!((way.verdict, way.problem.unwrap().code), (Verdict::Error, ProblemCode::CommandFailed));
}

#[test]
fn a_way_is_told_when_both_ends_have_answered() {
    let mut nodes = fine();
    nodes[2].report = None;
    let half = measurement(&nodes);
    assert_eq!((half.ways.len(), half.expected()), (4, 12));
    assert_eq!(half.of_link(&links()[0]), None, "not all of it is known");
    assert_eq!(half.of_node(&links()[0], id(1)), None);
}

#[test]
fn a_picture_blames_the_node_whose_card_is_slow() {
    let mut nodes = fine();
    for (n, node) in (1..).zip(&mut nodes) {
        let report = node.report.as_mut().unwrap().as_mut().unwrap();
        let slow = |peer: &str| n == 3 || peer == "10.71.1.3";
        let link = report.pings.iter_mut().filter(|(peer, _)| peer.starts_with("10.71.1.") && slow(peer));
        link.for_each(|(_, one)| one.avg_us = 12_200);
    }
    let all = measurement(&nodes);
    let of = |link: usize| [1, 2, 3].map(|n| all.of_node(&links()[link], id(n)).unwrap());
    assert_eq!(of(1), [Verdict::Pass, Verdict::Pass, Verdict::Fail]);
    assert_eq!(of(0), [Verdict::Pass; 3]);
    assert_eq!(all.of_link(&links()[1]), Some(Verdict::Fail));
    let mut moved = links()[1].clone();
    moved.addresses.insert(id(3), address(33, 1));
    assert_eq!((all.of_link(&moved), all.of_node(&moved, id(1))), (None, None), "other addresses were not measured");
}

#[test]
fn results_are_old_after_ten_minutes() {
    let all = measurement(&fine());
    let after = |s: i64| Timestamp::from_second(s).unwrap();
    assert!(!all.stale(after(600)) && all.stale(after(601)));
    assert!(Measurement { finished_at: None, ..all }.stale(after(0)), "unfinished ones count for nothing");
}

#[test]
fn a_way_quotes_its_own_lines() {
    let text = "listen 10.71.0.1:5405 ok\nlisten 10.71.1.1:5406 ok\nudp 10.71.1.2:5406 5/5\nudp 10.71.1.23:5406 5/5\n\
                ping 10.71.1.2 20 20 1 2 3 4\nping 10.71.1.23 20 20 1 2 3 4\nwhole 10.71.1.2 1500 3 3\nmtu 10.71.1.2 1500";
    let evidence = |text: &str| Evidence {
        node: "elm1".into(),
        command: "perl".into(),
        exit: Some(0),
        at: Timestamp::UNIX_EPOCH,
        millis: 4_000,
        lines: text.lines().map(|line| EvidenceLine { text: line.to_owned(), guilty: false }).collect(),
        cut: false,
    };
    let (own, peer) = (SocketAddr::new(address(1, 1), 5_406), SocketAddr::new(address(2, 1), 5_406));
    let of = |text: &str| quote(&evidence(text), own, peer).lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
    assert_eq!(
        of(text),
        [
            "listen 10.71.1.1:5406 ok",
            "udp 10.71.1.2:5406 5/5",
            "ping 10.71.1.2 20 20 1 2 3 4",
            "whole 10.71.1.2 1500 3 3",
            "mtu 10.71.1.2 1500"
        ]
    );
    assert_eq!(of("perl: command not found"), ["perl: command not found"]);
}
