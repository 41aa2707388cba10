//! The real console, killed with SIGKILL at random moments while its plans run, on nodes that live on: what was begun is
//! brought to its end by the next one, and nothing runs twice.
//!
//! A moment is a number of looks at the operation, drawn up to how many the plan took when nobody was killed.

mod house;

use house::House;
use lab::{Fault, Lab, Options, Scenario};
use model::ids::NodeId;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// How often the console is killed while votes are lowered, and how many clusters of two are built around two kills each.
const POINTS: (u32, u32) = (3, 1);
/// The same in the long run: 50 moments together.
const POINTS_LONG: (u32, u32) = (26, 12);
const SEED: &str = "QUORATE_KILL_SEED";
const HOW: &str = "the power cord is in my hand";

fn points() -> (u32, u32) {
    if std::env::var_os("QUORATE_LONG_TESTS").is_some() { POINTS_LONG } else { POINTS }
}

/// Numbers from a seed, by Vigna's splitmix64.
struct Random(u64);

impl Random {
    fn drawn() -> Self {
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let seed = given.unwrap_or_else(now);
        eprintln!("{SEED}={seed}");
        Self(seed)
    }

    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % (most + 1)
    }
}

async fn lab(scenario: Scenario, seed: u64) -> Lab {
    let lab = Lab::new(scenario, Options { seed, speed: 40.0, port: 0 }).expect("lab");
    lab.listen().await.expect("nodes");
    lab
}

#[tokio::test]
async fn lowered_votes_are_lowered_once_whenever_the_console_dies() {
    let mut random = Random::drawn();
    let lab = lab(Scenario::healthy(3), 21).await;
    let mut house = House::open().await;
    house.import(&lab).await;
    // Nobody is killed the first time: that says how long it takes.
    let (looks, _) = lowered(&mut house, &lab, None).await;
    let mut died = 0;
    for _ in 0..points().0 {
        died += u32::from(lowered(&mut house, &lab, Some(random.up_to(looks))).await.1);
    }
    eprintln!("killed while it ran: {died} of {}, a whole one takes {looks} looks", points().0);
    let verified = house.verified().await;
    assert!(verified.starts_with("whole"), "{verified}");
}

/// Loses the quorum, gets it back by `pvecm expected 1`, and heals; how many looks that took, and whether the plan still
/// ran when the console was killed.
async fn lowered(house: &mut House, lab: &Lab, killed_at: Option<u64>) -> (u64, bool) {
    let ran = lab.inspect().ran("pvecm expected");
    for node in ["pve2", "pve3"] {
        lab.inject(Fault::Kill { node: node.into() }).expect("off");
    }
    house.until_quorate(false, 1).await;
    let accounts = json!({ "pve2": HOW, "pve3": HOW });
    let operation = house.agreed(json!({ "wish": "expected", "accounts": accounts })).await;
    let (looks, died) = house.brought_to_its_end(operation, killed_at).await;
    let truth = lab.inspect();
    assert_eq!(truth.ran("pvecm expected"), ran + 1, "once, whenever the console died: {killed_at:?} of {looks}");
    let alone: Vec<_> = truth.partitions.iter().filter(|one| one.nodes.contains("pve1")).collect();
    assert!(matches!(alone[..], [one] if one.quorate && one.expected_votes == 1), "{:?}", truth.partitions);
    for node in ["pve2", "pve3"] {
        lab.inject(Fault::Start { node: node.into() }).expect("on");
    }
    lab.until(|now| now.partitions.iter().any(|one| one.nodes.len() == 3 && one.expected_votes == 3)).await;
    house.until_quorate(true, 3).await;
    (looks, died)
}

#[tokio::test]
async fn a_cluster_is_built_once_whenever_the_console_dies() {
    let mut random = Random::drawn();
    let mut house = House::open().await;
    // As above: the first cluster is built by a console that lives.
    let whole = built(&mut house, 0, [None, None]).await;
    let mut died = 0;
    for number in 1..=points().1 {
        let moments = whole.map(|(looks, _)| Some(random.up_to(looks)));
        died += built(&mut house, number, moments).await.iter().filter(|(_, died)| *died).count();
    }
    eprintln!("killed while it ran: {died} of {}, whole ones take {whole:?} looks", 2 * points().1);
    let verified = house.verified().await;
    assert!(verified.starts_with("whole"), "{verified}");
}

/// Creates a cluster and joins a node, with a death in each plan; how many looks each took, and whether it died in it.
async fn built(house: &mut House, number: u32, killed_at: [Option<u64>; 2]) -> [(u64, bool); 2] {
    let lab = lab(Scenario::bare(2), u64::from(number)).await;
    let nodes: Vec<NodeId> = house.draft(&lab, &format!("built{number}")).await;
    let [first, second] = nodes[..] else { panic!("two nodes") };
    let wish = json!({ "wish": "create", "name": house.name(), "first": first });
    let created = house.started(wish).await;
    let create = house.brought_to_its_end(created, killed_at[0]).await;
    let joined = house.started(json!({ "wish": "join", "joiners": [second] })).await;
    let join = house.brought_to_its_end(joined, killed_at[1]).await;
    let truth = lab.inspect();
    for (command, times) in [("pvecm create", 1), ("pvecm add", 1)] {
        assert_eq!(truth.ran(command), times, "{command}, killed at {killed_at:?} of {create:?} and {join:?}");
    }
    for node in ["pve1", "pve2"] {
        let members: Vec<&str> = truth.nodes[node].nodelist.keys().map(String::as_str).collect();
        assert_eq!(members, ["pve1", "pve2"], "the configuration of {node}");
    }
    assert!(matches!(&truth.partitions[..], [one] if one.quorate && one.total_votes == 2), "{:?}", truth.partitions);
    [create, join]
}

/// What is typed where a plan asks for its target's name.
fn consent(plan: &model::plan::Plan) -> Value {
    json!({ "reason": "the console will die", "typed": plan.target })
}
