//! Who may do what: one role for everything, and possibly a higher one per cluster.

use crate::ids::ClusterId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Each role may all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Viewer,
    Operator,
    Approver,
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// Reads the word that `as_str` writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// The roles of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub everywhere: Role,
    pub clusters: BTreeMap<ClusterId, Role>,
}

impl Access {
    #[must_use]
    pub const fn everywhere(role: Role) -> Self {
        Self { everywhere: role, clusters: BTreeMap::new() }
    }

    /// The role that counts on a cluster: the higher of the general one and its own.
    #[must_use]
    pub fn on(&self, cluster: ClusterId) -> Role {
        self.clusters.get(&cluster).copied().map_or(self.everywhere, |own| own.max(self.everywhere))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_clusters_role_can_only_raise() {
        let cluster = ClusterId::from_uuid(Uuid::from_u128(1));
        let other = ClusterId::from_uuid(Uuid::from_u128(2));
        let access =
            Access { everywhere: Role::Operator, clusters: [(cluster, Role::Approver), (other, Role::Viewer)].into() };
        assert_eq!(access.on(cluster), Role::Approver);
        assert_eq!(access.on(other), Role::Operator);
    }
}
