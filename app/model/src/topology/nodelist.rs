//! Which cluster a machine belongs to, where two have it on their lists.

use super::NodeView;
use crate::facts::{ConfNode, CorosyncConf};
use crate::ids::NodeId;
use std::collections::BTreeSet;

/// Whether the nodelist of a cluster's corosync.conf has this machine; `None` where none of its own machines has told it.
///
/// Those that are `claimed` by another cluster too do not count: what they say may be that one's configuration. Nor does
/// a name alone, which machines of two clusters may share: what the machine says itself has to fit.
#[must_use]
pub fn in_nodelist(views: &[NodeView], node: NodeId, claimed: &BTreeSet<NodeId>) -> Option<bool> {
    let machine = views.iter().find(|view| view.id == node)?;
    let told = views.iter().filter(|view| !claimed.contains(&view.id)).filter_map(|view| view.conf.as_ref());
    let conf = &told.max_by_key(|fact| (fact.value.config_version, fact.at))?.value;
    let Some(listed) = entry(conf, &machine.name) else { return Some(false) };
    match &machine.conf {
        Some(own) => {
            let at = |one: &ConfNode| one.addresses.values().any(|own| listed.addresses.values().any(|at| at == own));
            let same = own.value.cluster_name == conf.cluster_name;
            Some(same && entry(&own.value, &machine.name).is_some_and(at))
        }
        None => (views.iter().filter(|view| view.name == machine.name).count() == 1).then_some(true),
    }
}

fn entry<'a>(conf: &'a CorosyncConf, name: &str) -> Option<&'a ConfNode> {
    conf.nodes.iter().find(|listed| listed.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::fixture::{conf, fact, silent, view};

    fn with_conf(mut one: NodeView, change: impl Fn(&mut CorosyncConf)) -> NodeView {
        change(&mut one.conf.as_mut().expect("it has told one").value);
        one
    }

    #[test]
    fn a_machine_belongs_where_the_others_list_it_and_it_says_the_same() {
        let [first, second] = [1, 2].map(|own| view(own, &[1, 2], "1.8", 2, 0));
        let claimed = BTreeSet::from([second.id]);
        assert_eq!(in_nodelist(&[first.clone(), second.clone()], second.id, &claimed), Some(true));
        assert_eq!(in_nodelist(&[first.clone(), silent(2)], second.id, &claimed), Some(true), "it is only away");
        assert_eq!(in_nodelist(&[first.clone(), silent(3)], silent(3).id, &claimed), Some(false));
        assert_eq!(in_nodelist(&[first], second.id, &claimed), None, "it is on no list here");
    }

    #[test]
    fn what_a_claimed_machine_says_of_its_own_cluster_makes_it_no_member_of_this_one() {
        let first = view(1, &[1], "1.4", 1, 0);
        let theirs = with_conf(view(2, &[2], "2.4", 3, 0), |conf| conf.cluster_name = "thicket".into());
        let claimed = BTreeSet::from([theirs.id]);
        let here = in_nodelist(&[first, theirs.clone()], theirs.id, &claimed);
        assert_eq!(here, Some(false), "though its version is higher");
        assert_eq!(in_nodelist(&[silent(1), theirs.clone()], theirs.id, &claimed), None);
        let another = with_conf(view(3, &[2, 3], "2.4", 3, 0), |conf| conf.cluster_name = "thicket".into());
        let claimed = BTreeSet::from([theirs.id, another.id]);
        assert_eq!(in_nodelist(&[another, theirs.clone()], theirs.id, &claimed), None, "nor does one for the other");
    }

    #[test]
    fn a_name_that_two_machines_share_is_no_membership() {
        let [first, second] = [1, 2].map(|own| view(own, &[1, 2], "1.8", 2, 0));
        let namesake = NodeView { id: silent(9).id, ..silent(2) };
        let claimed = BTreeSet::from([namesake.id]);
        let all = [first.clone(), second.clone(), namesake.clone()];
        assert_eq!(in_nodelist(&all, namesake.id, &claimed), None, "it has said nothing");
        let mut theirs = conf(2);
        for listed in &mut theirs.nodes {
            listed.addresses = (0..2).map(|link| (link, format!("10.9.{link}.{}", listed.id))).collect();
        }
        let namesake = NodeView { conf: Some(fact(2, "cat /etc/pve/corosync.conf", theirs, 0)), ..namesake };
        assert_eq!(in_nodelist(&[first, second, namesake.clone()], namesake.id, &claimed), Some(false));
    }
}
