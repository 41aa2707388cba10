//! A node that hangs, floods, lies or flaps disturbs nobody.

use crate::fence::{Fence, FencedStore, held};
use crate::stage::{Asked, Mood, NAMES, NewIds, Played, Stage};
use engine::Engine;
use engine::ports::Clock;
use engine::watch::counts::Counts;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::observation::Freshness;
use model::problem::ProblemCode;
use model::topology::{Agreement, Contact, Membership, NodeState, Snapshot};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::SqliteStore;
use tempfile::TempDir;
use tokio::time::sleep;
use uuid::Uuid;

struct Play {
    stage: Arc<Stage>,
    engine: Engine,
    cluster: ClusterId,
    _folder: TempDir,
}

impl Play {
    async fn with(mood: Mood) -> Self {
        let stage = Stage::new();
        let clock = Arc::clone(&stage.clock);
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let inner = held(SqliteStore::open(&folder.path().join("quorate.db"))).await.expect("the file opens");
        let store = Arc::new(FencedStore { inner, fence: Fence::new(None) });
        let dialer = Arc::new(Played(Arc::clone(&stage)));
        let engine = Engine::new(store, dialer, Arc::clone(&clock) as _, Arc::new(NewIds));
        let cluster = ClusterId::from_uuid(Uuid::now_v7());
        let entry = |code| AuditEntry::new(clock.now(), code, "anna".into(), Outcome::Success);
        let row = Cluster {
            id: cluster,
            name: "prod".parse().expect("a name"),
            phase: ClusterPhase::Live,
            protected: false,
            created_at: clock.now(),
            created_by: "anna".into(),
        };
        engine.store.add_cluster(&row, entry(AuditCode::ClusterAdded)).await.expect("added");
        for name in NAMES {
            let node = Node {
                id: NodeId::from_uuid(Uuid::now_v7()),
                cluster,
                purpose: Purpose::Member,
                address: SshAddress { host: name.into(), port: 22, user: "root".into() },
                via: None,
                name: Some(name.into()),
                pin: None,
                offered: None,
                log_in: LogIn::KeyUnconfirmed,
                position: 0,
            };
            let node = engine.store.add_node(&node, entry(AuditCode::NodeAdded)).await.expect("added");
            engine.store.set_node_name(node.id, name).await.expect("named");
        }
        engine.watch(cluster).await;
        let play = Self { stage, engine, cluster, _folder: folder };
        play.pass(30).await;
        play.stage.set("pve3", mood);
        play
    }

    async fn pass(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.engine.hub.snapshot(self.cluster).expect("watched")
    }

    fn node(&self, name: &str) -> NodeState {
        self.snapshot().nodes.iter().find(|node| node.name == name).expect("listed").clone()
    }

    fn asked(&self, name: &str) -> &Asked {
        &self.stage.asked[name]
    }

    /// Three minutes in which the other two have to be as fresh as ever.
    async fn three_minutes_undisturbed(&self) {
        let before = NAMES.map(|name| self.asked(name).sweeps.load(Ordering::SeqCst));
        for _ in 0..90 {
            self.pass(2).await;
            for name in ["pve1", "pve2"] {
                let node = self.node(name);
                assert_eq!((node.freshness, node.membership), (Freshness::Fresh, Membership::Member), "{name}");
                assert!(matches!(node.contact, Contact::Connected { .. }), "{name}: {:?}", node.contact);
            }
        }
        for (name, before) in NAMES.into_iter().zip(before).take(2) {
            let sweeps = self.asked(name).sweeps.load(Ordering::SeqCst) - before;
            assert!((34..=56).contains(&sweeps), "{name} was asked {sweeps} times in 180 s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_sweeps_hang_is_lost_and_the_others_are_not() {
    let play = Play::with(Mood::Hangs).await;
    play.three_minutes_undisturbed().await;
    let node = play.node("pve3");
    assert!(
        matches!(node.contact, Contact::Lost { ref problem, .. } if problem.code == ProblemCode::NodeHangs),
        "{node:?}"
    );
    assert_eq!(node.membership, Membership::Member, "the others see it");
    assert!(Counts::get(&play.engine.watchers.counts.mute_sweeps) >= 3);
    play.stage.set("pve3", Mood::Good);
    play.pass(60).await;
    assert!(matches!(play.node("pve3").contact, Contact::Connected { .. }));
}

#[tokio::test(start_paused = true)]
async fn corosync_tools_that_hang_are_asked_one_at_a_time_and_files_go_on() {
    let play = Play::with(Mood::Gathers).await;
    play.pass(12).await;
    let links = play.asked("pve3").links.load(Ordering::SeqCst);
    play.three_minutes_undisturbed().await;
    assert_eq!(play.asked("pve3").links.load(Ordering::SeqCst), links, "left out behind the one that hung");
    assert!(matches!(play.node("pve3").contact, Contact::Connected { .. }), "the machine itself answers");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_floods_is_ended_and_left_alone_for_longer_and_longer() {
    let play = Play::with(Mood::Good).await;
    play.stage.set("pve3", Mood::Floods);
    // Its quiet follower has to end first: the connection is made anew.
    play.engine.watchers.stop_all();
    play.engine.watch(play.cluster).await;
    play.pass(30).await;
    play.three_minutes_undisturbed().await;
    let asked = play.asked("pve3");
    let (follows, bytes) = (asked.follows.load(Ordering::SeqCst), asked.flooded_bytes.load(Ordering::SeqCst));
    assert!((5..=8).contains(&follows), "{follows} tries in 210 s: 5, 10, 20, 40 and 60 s apart");
    assert!(bytes < follows * 4 * 1024 * 1024, "{bytes} bytes were sent in {follows} tries");
    assert!(Counts::get(&play.engine.watchers.counts.floods) >= 5);
    let sweeps = asked.sweeps.load(Ordering::SeqCst);
    assert!(sweeps < 150, "a flood does not wake {sweeps} sweeps");
    assert_eq!(play.node("pve3").membership, Membership::Member);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lies_is_shown_as_disagreement() {
    let play = Play::with(Mood::Lies).await;
    play.pass(30).await;
    for _ in 0..60 {
        play.pass(2).await;
        let snapshot = play.snapshot();
        let Agreement::Partitioned { partitions } = &snapshot.agreement else { panic!("{:?}", snapshot.agreement) };
        assert_eq!(partitions.len(), 2);
        let counts = &snapshot.quorum.as_ref().expect("known").fact.value;
        assert_eq!((counts.ring_id.as_str(), counts.total_votes, counts.told_by.len()), ("1.d", 3, 2));
    }
    play.stage.set("pve3", Mood::Good);
    play.pass(15).await;
    assert!(matches!(play.snapshot().agreement, Agreement::Agreed { .. }), "within one sweep");
}

#[tokio::test(start_paused = true)]
async fn answers_that_fall_apart_are_not_shown_and_the_node_is_not_pressed() {
    let play = Play::with(Mood::Torn).await;
    let before = play.asked("pve3").sweeps.load(Ordering::SeqCst);
    for _ in 0..90 {
        play.pass(2).await;
        let snapshot = play.snapshot();
        assert!(matches!(snapshot.agreement, Agreement::Agreed { .. }), "{:?}", snapshot.agreement);
    }
    let sweeps = play.asked("pve3").sweeps.load(Ordering::SeqCst) - before;
    assert!((34..=60).contains(&sweeps), "it was asked {sweeps} times in 180 s");
    assert_eq!(play.node("pve3").membership, Membership::Member, "the others see it");
    play.stage.set("pve3", Mood::Good);
    play.three_minutes_undisturbed().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_flaps_is_not_believed_at_once() {
    let play = Play::with(Mood::Good).await;
    play.stage.set("pve3", Mood::Flaps);
    play.engine.watchers.stop_all();
    play.engine.watch(play.cluster).await;
    play.pass(20).await;
    let mut changes = 0;
    let mut last = false;
    for _ in 0..120 {
        play.pass(1).await;
        let up = matches!(play.node("pve3").contact, Contact::Connected { .. });
        changes += u32::from(up != last);
        last = up;
    }
    assert!(changes <= 1, "it is shown to come and go {changes} times");
    assert!(Counts::get(&play.engine.watchers.counts.flaps) > 0);
    play.three_minutes_undisturbed().await;
    play.stage.set("pve3", Mood::Good);
    play.pass(45).await;
    assert!(matches!(play.node("pve3").contact, Contact::Connected { .. }), "it has stood for long enough");
    let hurries = play.asked("pve3").hurries.load(Ordering::SeqCst);
    assert!((10..=40).contains(&hurries), "its peers name it all the time, and it is hurried to {hurries} times");
}

#[tokio::test(start_paused = true)]
async fn the_journal_goes_on_where_it_was_and_a_line_that_is_none_is_counted() {
    let play = Play::with(Mood::Flaps).await;
    play.engine.watchers.stop_all();
    play.engine.watch(play.cluster).await;
    play.pass(30).await;
    let journals = play.asked("pve3").journals.lock().expect("no panic").clone();
    let (first, later) = journals.split_at(2);
    assert!(first.iter().all(|line| line.contains("-n 0")), "from now on, at first: {first:?}");
    assert!(later.len() >= 3 && later.iter().all(|line| line.contains("--after-cursor=") && line.contains("s=1f;i=7")));
    for unit in ["corosync", "pve-cluster", "pve-ha-crm", "pve-ha-lrm", "watchdog-mux"] {
        assert!(first[0].contains(&format!("-u {unit}")), "{first:?}");
    }
    assert!(Counts::get(&play.engine.watchers.counts.bad_journal_lines) >= journals.len() as u64);
}
