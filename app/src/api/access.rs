//! What travels about one's own account, and about who may do what where.

use model::Timestamp;
use model::ids::{ClusterId, UserId};
use model::role::{Access, Role};
use serde::{Deserialize, Serialize};

/// A person's own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    pub name: String,
    pub everywhere: Role,
    /// Clusters with a role of their own, by name.
    pub clusters: Vec<ClusterRole>,
    /// `None` while there is none.
    pub second_factor: Option<FactorView>,
}

/// A cluster on which somebody has a role of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRole {
    pub cluster: ClusterId,
    pub cluster_name: String,
    pub role: Role,
}

/// A second factor that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorView {
    pub since: Timestamp,
    /// Recovery codes that have not been used.
    pub recovery_left: u32,
}

/// A secret that waits for its first code. It is shown to its own person, once, and is nowhere else in clear.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSecondFactor {
    /// Base32, for typing.
    pub secret: String,
    /// Side of the QR code in modules, its empty border included.
    pub side: u32,
    /// Its dark modules: `d` of an SVG path.
    pub path: String,
}

/// Codes that stand in for the device, each once. Shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    pub codes: Vec<String>,
}

/// Secrets do not come into a log by way of `{:?}`.
impl std::fmt::Debug for NewSecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecondFactor(..)")
    }
}

impl std::fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCodes(..)")
    }
}

/// Somebody took the caller's second factor away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorTaken {
    pub by: String,
    pub at: Timestamp,
}

/// Who may do what where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesView {
    /// Accounts that are not disabled, by name.
    pub people: Vec<PersonRoles>,
    /// Clusters whose roles the caller may give, by name.
    pub clusters: Vec<(ClusterId, String)>,
    /// The caller may give roles that count everywhere.
    pub everywhere: bool,
}

/// One person's roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRoles {
    pub id: UserId,
    pub name: String,
    pub access: Access,
}
