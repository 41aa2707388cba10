//! What can be done about a join that died midway, and why something cannot.

use super::{MidwayState as S, Scene};
use crate::problem::{Problem, ProblemCode};
use serde::{Deserialize, Serialize};

crate::problem::codes!(
    /// A way on, each a plan of its own. Locale key: `way_CODE`.
    Way {
        /// The ordinary join, once more.
        Join => "join",
        /// Carry the join through to its end.
        Finish => "finish",
        /// Take everything away again that it has left.
        Undo => "undo",
    }
);

/// A way on, and why it is closed; it is open where nothing stands against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayOn {
    pub way: Way,
    pub closed: Option<Problem>,
}

/// The ways on from a state, best first. A state without any needs a person at the machines.
#[must_use]
pub fn ways(scene: &Scene, state: S) -> Vec<WayOn> {
    let list: &[Way] = match state {
        S::NotBegun => &[Way::Join],
        S::KeysCarried => &[Way::Join, Way::Undo],
        S::ListedOnly | S::FilesWritten | S::DatabaseMoved | S::PmxcfsDown | S::NotInRing => &[Way::Finish, Way::Undo],
        S::CertificateMissing => &[Way::Finish],
        S::ServicesDown | S::ForeignAuthkey | S::OtherAddresses | S::NotListed => &[Way::Undo],
        S::MembersDisagree | S::JoinerSilent | S::OtherCluster | S::Joined | S::CannotTell => &[],
    };
    list.iter().map(|way| WayOn { way: *way, closed: closed(scene, state, *way) }).collect()
}

impl Scene {
    /// # Errors
    /// Why there is no such way from where the join stands.
    pub fn open_way(&self, way: Way) -> Result<S, Problem> {
        let state = super::judge(self);
        let found = ways(self, state).into_iter().find(|one| one.way == way);
        match found {
            None => Err(self.problem(ProblemCode::JoinNoSuchWay).with("state", state.as_str())),
            Some(WayOn { closed: Some(problem), .. }) => Err(problem),
            Some(_) => Ok(state),
        }
    }

    /// A problem about this join.
    #[must_use]
    pub fn problem(&self, code: ProblemCode) -> Problem {
        let member = self.members.first().map_or("", |member| member.label.as_str());
        Problem::new(code).with("node", &self.name).with("member", member).with("cluster", &self.cluster)
    }

    /// Whether the finish needs `--force`, which turns `pvecm`'s own refusals into warnings.
    #[must_use]
    pub fn needs_force(&self, state: S) -> bool {
        state == S::FilesWritten
    }
}

fn closed(scene: &Scene, state: S, way: Way) -> Option<Problem> {
    let joiner = &scene.joiner;
    let adds = way == Way::Join || matches!((way, state), (Way::Finish, S::ListedOnly | S::FilesWritten));
    if adds {
        match joiner.guests {
            // Guests on it would be lost behind `--force`.
            Some(0) => {}
            Some(count) => return Some(scene.problem(ProblemCode::GuestsOnJoiner).with("count", count)),
            None => return Some(scene.problem(ProblemCode::Garbage).with("what", "/etc/pve/nodes")),
        }
        if joiner.name.as_ref() != Some(&scene.name) {
            let found = joiner.name.as_deref().unwrap_or("?");
            return Some(scene.problem(ProblemCode::NameChanged).with("name", &scene.name).with("found", found));
        }
    }
    let touches_members = !matches!(state, S::NotBegun | S::CertificateMissing);
    let absent = scene.members.iter().find_map(|member| member.absent.first());
    if touches_members && let Some(absent) = absent {
        return Some(scene.problem(ProblemCode::MembersOffline).with("absent", absent));
    }
    if way == Way::Undo && state != S::KeysCarried {
        // A whole member leaves by another way: it has files in the cluster, and perhaps guests.
        if scene.members.iter().any(|member| member.certificate != Some(false)) {
            return Some(scene.problem(ProblemCode::WasAMember));
        }
        let live = scene.members.iter().any(|member| member.in_ring != Some(false));
        if state == S::OtherAddresses && live {
            return Some(scene.problem(ProblemCode::NameInCluster).with("name", &scene.name));
        }
    }
    None
}
