//! Which state the evidence of both sides is.

use super::{JoinerSeen, MemberSeen, MidwayState as S, Scene, Told};
use crate::remedy::ContentDigest;

/// The state of a join. What is not known is never taken for its absence.
#[must_use]
pub fn judge(scene: &Scene) -> S {
    if scene.members.is_empty() || scene.members.iter().any(|member| member.listed.is_unknown()) {
        return S::CannotTell;
    }
    let listed = scene.members.iter().filter(|member| !member.listed.is_nothing()).count();
    if listed != 0 && listed != scene.members.len() {
        return S::MembersDisagree;
    }
    match (listed != 0, scene.joiner.answers) {
        (true, false) => S::JoinerSilent,
        (false, false) => S::CannotTell,
        (listed, true) => both_answer(scene, listed),
    }
}

fn both_answer(scene: &Scene, listed: bool) -> S {
    let joiner = &scene.joiner;
    let (Some(corosync), Some(pmxcfs)) = (joiner.corosync, joiner.pmxcfs) else { return S::CannotTell };
    if joiner.local.is_unknown() || joiner.authkey.is_unknown() || (pmxcfs && joiner.database.is_unknown()) {
        return S::CannotTell;
    }
    let other = |told: &Told<String>| told.known().is_some_and(|name| *name != scene.cluster);
    if other(&joiner.local) || other(&joiner.database) {
        return S::OtherCluster;
    }
    if !listed {
        return unlisted(scene);
    }
    match addresses_are_own(scene) {
        None => return S::CannotTell,
        Some(false) => return S::OtherAddresses,
        Some(true) => {}
    }
    match key(scene) {
        Key::Unknown => S::CannotTell,
        Key::Foreign => S::ForeignAuthkey,
        Key::None if joiner.local.is_nothing() && !corosync => S::ListedOnly,
        // A configuration without its key: corosync cannot start with it, and no join leaves that behind.
        Key::None => S::CannotTell,
        Key::Same => with_key(scene, corosync, pmxcfs),
    }
}

fn unlisted(scene: &Scene) -> S {
    let joiner = &scene.joiner;
    if joiner.local.known().is_some() || joiner.corosync == Some(true) {
        return S::NotListed;
    }
    if joiner.authkey.known().is_some() {
        return S::ForeignAuthkey;
    }
    match scene.members.first().and_then(|member| member.key_shared) {
        None => S::CannotTell,
        Some(true) => S::KeysCarried,
        Some(false) => S::NotBegun,
    }
}

fn with_key(scene: &Scene, corosync: bool, pmxcfs: bool) -> S {
    let joiner = &scene.joiner;
    match (corosync, pmxcfs, joiner.config_db) {
        // pmxcfs runs on the node's own database: that of a cluster would have the configuration in it.
        (false, true, _) if joiner.database.is_nothing() => S::FilesWritten,
        (false, true, _) => S::ServicesDown,
        (false, false, None) => S::CannotTell,
        (false, false, Some(false)) if joiner.local.known().is_some() => S::DatabaseMoved,
        (false, false, Some(_)) => S::ServicesDown,
        (true, false, _) => S::PmxcfsDown,
        (true, true, _) => together(joiner, &scene.members),
    }
}

fn together(joiner: &JoinerSeen, members: &[MemberSeen]) -> S {
    let seen: Option<Vec<bool>> = members.iter().map(|member| member.in_ring).collect();
    let (Some(seen), Some(own)) = (seen, joiner.in_ring) else { return S::CannotTell };
    if !own || joiner.writable == Some(false) || seen.contains(&false) {
        return S::NotInRing;
    }
    // Without the ring's files its `/etc/pve` has nothing yet that could be asked.
    if joiner.writable.is_none() {
        return S::CannotTell;
    }
    match members.first().and_then(|member| member.certificate) {
        None => S::CannotTell,
        Some(false) => S::CertificateMissing,
        Some(true) => S::Joined,
    }
}

enum Key {
    Unknown,
    None,
    Same,
    Foreign,
}

/// The joiner's key beside that of the members, which all have the same one.
fn key(scene: &Scene) -> Key {
    let cluster: Option<&ContentDigest> = scene.members.iter().find_map(|member| member.authkey.known());
    match (&scene.joiner.authkey, cluster) {
        (Told::Unknown, _) | (Told::Is(_), None) => Key::Unknown,
        (Told::Nothing, _) => Key::None,
        (Told::Is(own), Some(cluster)) if own == cluster => Key::Same,
        (Told::Is(_), Some(_)) => Key::Foreign,
    }
}

/// Whether every address in the nodelist is one of the machine's own; `None` where it does not tell its addresses.
fn addresses_are_own(scene: &Scene) -> Option<bool> {
    let own = scene.joiner.addresses.as_ref()?;
    let listed = scene.members.iter().filter_map(|member| member.listed.known()).flatten();
    let mut local = listed.map(|text| own.iter().any(|address| address.to_string() == *text));
    Some(local.all(|is_own| is_own))
}
