//! What people may do, and that it ends.

use super::Accounts;
use engine::audit::Person;
use engine::context::store_problem;
use engine::ports::StoreError;
use model::audit::{AuditCode, Outcome};
use model::ids::UserId;
use model::inventory::Cluster;
use model::problem::{Problem, ProblemCode};
use model::role::Role;

impl Accounts {
    /// Ends an account and all its sessions.
    ///
    /// # Errors
    /// When there is no such account; `LastAdmin`.
    pub async fn disable(&self, by: &Person, id: UserId) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let mut entry = self.engine.audit.entry(AuditCode::UserDisabled, by, Outcome::Success);
        entry.details.insert("name".to_owned(), user.name);
        self.engine.store.disable(id, entry).await.map_err(|error| of_roles(&error))
    }
    /// Gives an account another role, everywhere or on one cluster.
    ///
    /// # Errors
    /// When there is no such account; `LastAdmin`.
    pub async fn set_role(
        &self,
        by: &Person,
        id: UserId,
        cluster: Option<&Cluster>,
        role: Role,
    ) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let mut entry = match cluster {
            Some(cluster) => self.engine.audit.about(AuditCode::RoleChanged, by, Outcome::Success, cluster),
            None => self.engine.audit.entry(AuditCode::RoleChanged, by, Outcome::Success),
        };
        let before = match cluster {
            Some(cluster) => user.access.clusters.get(&cluster.id).map(|role| role.as_str()),
            None => Some(user.access.everywhere.as_str()),
        };
        entry.details.insert("name".to_owned(), user.name);
        entry.details.insert("role".to_owned(), role.as_str().to_owned());
        entry.details.insert("before".to_owned(), before.unwrap_or("none").to_owned());
        let cluster = cluster.map(|cluster| cluster.id);
        self.engine.store.set_role(id, cluster, role, entry).await.map_err(|error| of_roles(&error))
    }

    /// Takes the role on one cluster away: there the general one counts again.
    ///
    /// # Errors
    /// When there is no such account, or it has no role of its own there.
    pub async fn drop_role(&self, by: &Person, id: UserId, cluster: &Cluster) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let mut entry = self.engine.audit.about(AuditCode::RoleChanged, by, Outcome::Success, cluster);
        let before = user.access.clusters.get(&cluster.id).map_or("none", |role| role.as_str());
        entry.details.insert("name".to_owned(), user.name);
        entry.details.insert("role".to_owned(), "none".to_owned());
        entry.details.insert("before".to_owned(), before.to_owned());
        self.engine.store.drop_role(id, cluster.id, entry).await.map_err(|error| store_problem(&error))
    }
}

/// Without an admin nobody could give anybody anything any more.
fn of_roles(error: &StoreError) -> Problem {
    match error {
        StoreError::Conflict { what: "last admin" } => ProblemCode::LastAdmin.into(),
        other => store_problem(other),
    }
}
