//! How often the hub folds and sends, and what it never does.

use engine::hub::{Hub, Message, Observed};
use engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};
use model::facts::QuorumStatus;
use model::ids::{ClusterId, NodeId};
use model::inventory::{LogIn, Node, Purpose};
use model::live::Live;
use model::name::SshAddress;
use model::observation::Fact;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, advance};
use uuid::Uuid;

/// A clock that follows tokio's, and can be set back.
struct Wrist {
    started: Instant,
    shift: Mutex<SignedDuration>,
}

impl Clock for Wrist {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).expect("short");
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1) + elapsed + *self.shift.lock().expect("no panic")
    }
}

struct Desk {
    hub: Hub,
    clock: Arc<Wrist>,
    cluster: ClusterId,
    node: NodeId,
    stream: Receiver<Arc<Message>>,
}

impl Desk {
    fn new() -> Self {
        let clock = Arc::new(Wrist { started: Instant::now(), shift: Mutex::default() });
        let hub = Hub::new(Arc::clone(&clock) as _);
        let (cluster, id) = (ClusterId::from_uuid(Uuid::from_u128(1)), NodeId::from_uuid(Uuid::from_u128(2)));
        let node = Node {
            id,
            cluster,
            purpose: Purpose::Member,
            address: SshAddress { host: "ash".into(), port: 22, user: "root".into() },
            via: None,
            name: Some("ash".into()),
            pin: None,
            offered: None,
            log_in: LogIn::KeyUnconfirmed,
            position: 0,
        };
        hub.set_nodes(cluster, &[node]);
        let stream = hub.subscribe(cluster);
        Self { hub, clock, cluster, node: id, stream }
    }

    fn ring(&self, number: u32) {
        let value = QuorumStatus {
            nodes: 1,
            node_id: 1,
            ring_id: format!("1.{number:x}"),
            quorate: true,
            expected_votes: 1,
            highest_expected: 1,
            total_votes: 1,
            quorum: 1,
            blocked: false,
            flags: BTreeSet::new(),
            members: Vec::new(),
            qdevice_votes: None,
        };
        let fact = Fact { value, node: "ash".into(), command: "corosync-quorumtool -m".into(), at: self.clock.now() };
        self.hub.observe(self.cluster, self.node, Observed::Block(fact));
    }

    /// What was sent since the last call.
    fn sent(&mut self) -> Vec<Arc<Message>> {
        std::iter::from_fn(|| self.stream.try_recv().ok()).collect()
    }
}

fn ring_of(message: &Message) -> String {
    let Live::Snapshot(snapshot) = &message.what else { panic!("{message:?}") };
    snapshot.quorum.as_ref().expect("told").fact.value.ring_id.clone()
}

/// Lets the hub's own task come to its turn.
async fn pass(time: Duration) {
    advance(time).await;
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_is_sent_at_once_and_the_newest_when_it_is_due() {
    let mut desk = Desk::new();
    pass(Duration::from_secs(1)).await;
    desk.ring(1);
    assert_eq!(desk.sent().iter().map(|one| ring_of(one)).collect::<Vec<_>>(), ["1.1"], "the leading edge");
    for number in 2..=9 {
        desk.ring(number);
        pass(Duration::from_millis(5)).await;
    }
    assert_eq!(desk.sent().len(), 0, "within the pause nothing is sent");
    let (looked, _) = desk.hub.look(desk.cluster);
    assert_eq!(looked.quorum.as_ref().expect("told").fact.value.ring_id, "1.9", "who looks sees the newest");
    pass(Duration::from_millis(11)).await;
    assert_eq!(desk.sent().iter().map(|one| ring_of(one)).collect::<Vec<_>>(), ["1.9"]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_is_twenty_a_second_and_repetitions_are_one() {
    let mut desk = Desk::new();
    pass(Duration::from_secs(2)).await;
    let mut last = desk.hub.look(desk.cluster).1;
    for number in 1..=1_000 {
        desk.ring(number);
        pass(Duration::from_millis(2)).await;
    }
    pass(Duration::from_millis(60)).await;
    let storm = desk.sent();
    assert!((35..=42).contains(&storm.len()), "{} in two seconds", storm.len());
    assert_eq!(ring_of(storm.last().expect("some")), "1.3e8");
    pass(Duration::from_secs(2)).await;
    for _ in 0..1_000 {
        desk.ring(1_000);
        pass(Duration::from_millis(5)).await;
    }
    let calm = desk.sent();
    assert!((4..=6).contains(&calm.len()), "{} in five seconds", calm.len());
    for message in storm.iter().chain(&calm) {
        assert_eq!(message.seq, last + 1, "no gap");
        last = message.seq;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_take_the_stream_along() {
    let mut desk = Desk::new();
    desk.ring(1);
    pass(Duration::from_secs(1)).await;
    *desk.clock.shift.lock().expect("no panic") = SignedDuration::from_secs(-600);
    desk.hub.age(desk.cluster);
    let times: Vec<Timestamp> = desk.sent().iter().map(|one| one.at).collect();
    assert!(times.len() >= 2 && times.is_sorted(), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_rendered_once_for_all_who_read_it() {
    let mut desk = Desk::new();
    let mut second = desk.hub.subscribe(desk.cluster);
    pass(Duration::from_secs(1)).await;
    desk.ring(1);
    let one = desk.sent().pop().expect("sent");
    let other = second.try_recv().expect("sent");
    let (first, again) = (one.json().expect("JSON"), other.json().expect("JSON"));
    assert!(std::ptr::eq(first, again));
    let read: model::live::LiveEvent = serde_json::from_str(first).expect("an event");
    assert_eq!(read, **one);
}
