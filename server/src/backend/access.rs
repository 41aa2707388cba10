//! One's own account, second factors, and roles.

use super::who::broken;
use super::{RequestBackend, actor, stored};
use crate::sessions::{ACCOUNT, Account};
use app::api::*;
use async_trait::async_trait;
use model::can::{self, Deed};
use model::ids::{ClusterId, UserId};
use model::policy::SignInDemand;
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use zeroize::Zeroizing;

/// For what changes one's own account; the code is asked for by itself where it matters.
const PASSWORD: SignInDemand = SignInDemand { fresh: true, second_factor: false };

#[async_trait]
impl AccessBackend for RequestBackend {
    async fn my_account(&self, caller: Caller) -> ApiResult<AccountView> {
        let store = &self.state.engine.store;
        let factor = store.second_factor(caller.me.id).await.map_err(stored)?;
        let names = self.cluster_names().await?;
        let own = caller.me.access.clusters.iter();
        let clusters = own.filter_map(|(cluster, role)| {
            let (_, name) = names.iter().find(|(id, _)| id == cluster)?;
            Some(ClusterRole { cluster: *cluster, cluster_name: name.clone(), role: *role })
        });
        Ok(AccountView {
            everywhere: caller.me.access.everywhere,
            clusters: clusters.collect(),
            second_factor: factor.and_then(|factor| {
                factor.enrolled_at.map(|since| FactorView { since, recovery_left: factor.recovery_left })
            }),
            name: caller.me.name,
        })
    }

    async fn change_password(&self, caller: Caller, password: String, new: String) -> ApiResult<()> {
        let (password, new) = (Zeroizing::new(password), Zeroizing::new(new));
        self.state.accounts.change_password(caller.me.id, password, new, &self.from).await?;
        // All sessions have ended, this one too: it goes on under a new id, as after a sign-in.
        let account: Account = self.session.get(ACCOUNT).await.map_err(broken)?.ok_or(ProblemCode::NotSignedIn)?;
        let now = self.state.engine.clock.now();
        self.session.cycle_id().await.map_err(broken)?;
        self.session.insert(ACCOUNT, Account { fresh_at: now, touched_at: now, ..account }).await.map_err(broken)
    }

    async fn begin_second_factor(&self, caller: Caller) -> ApiResult<NewSecondFactor> {
        demand(&caller, PASSWORD)?;
        let new = self.state.accounts.begin_factor(caller.me.id).await?;
        let (side, path) = new.picture;
        Ok(NewSecondFactor { secret: new.secret.to_string(), side, path })
    }

    async fn enrol_second_factor(&self, caller: Caller, code: String) -> ApiResult<RecoveryCodes> {
        demand(&caller, PASSWORD)?;
        let code = Zeroizing::new(code);
        let codes = self.state.accounts.enrol_factor(caller.me.id, &code).await?;
        let mut account: Account = self.session.get(ACCOUNT).await.map_err(broken)?.ok_or(ProblemCode::NotSignedIn)?;
        account.second_at = Some(self.state.engine.clock.now());
        self.session.insert(ACCOUNT, account).await.map_err(broken)?;
        Ok(RecoveryCodes { codes })
    }

    async fn remove_second_factor(&self, caller: Caller, code: String) -> ApiResult<()> {
        demand(&caller, PASSWORD)?;
        let code = Zeroizing::new(code);
        self.state.accounts.remove_factor(caller.me.id, &code, &self.from).await.map_err(ApiError)
    }

    async fn reset_second_factor(&self, caller: Caller, id: UserId) -> ApiResult<()> {
        Self::may(&caller, Deed::ManagePeople)?;
        demand(&caller, SignInDemand::WHOLE)?;
        self.state.accounts.reset_factor(&actor(&caller), id).await.map_err(ApiError)
    }

    async fn acknowledge_reset(&self, caller: Caller) -> ApiResult<()> {
        self.state.engine.store.forget_factor_reset(caller.me.id).await.map_err(stored)
    }

    async fn roles(&self, caller: Caller) -> ApiResult<RolesView> {
        let everywhere = Self::may(&caller, Deed::ManagePeople);
        let mut clusters = self.cluster_names().await?;
        clusters.retain(|(cluster, _)| can::do_it(caller.me.access.on(*cluster), Deed::ManagePeople).is_ok());
        if clusters.is_empty() {
            everywhere.clone()?;
        }
        let users = self.state.engine.store.users().await.map_err(stored)?;
        let mut people: Vec<_> = users
            .into_iter()
            .filter(|user| !user.disabled)
            .map(|user| PersonRoles { id: user.id, name: user.name, access: user.access })
            .collect();
        // An admin of some clusters sees the roles on those.
        for person in &mut people {
            person.access.clusters.retain(|cluster, _| clusters.iter().any(|(id, _)| id == cluster));
        }
        Ok(RolesView { people, clusters, everywhere: everywhere.is_ok() })
    }

    async fn set_role(&self, caller: Caller, id: UserId, cluster: Option<ClusterId>, role: Role) -> ApiResult<()> {
        let cluster = match cluster {
            Some(cluster) => Some(self.cluster_for(&caller, cluster, Deed::ManagePeople).await?),
            None => {
                Self::may(&caller, Deed::ManagePeople)?;
                None
            }
        };
        demand(&caller, SignInDemand::WHOLE)?;
        self.state.accounts.set_role(&actor(&caller), id, cluster.as_ref(), role).await.map_err(ApiError)
    }

    async fn drop_role(&self, caller: Caller, id: UserId, cluster: ClusterId) -> ApiResult<()> {
        let cluster = self.cluster_for(&caller, cluster, Deed::ManagePeople).await?;
        demand(&caller, SignInDemand::WHOLE)?;
        self.state.accounts.drop_role(&actor(&caller), id, &cluster).await.map_err(ApiError)
    }
}

impl RequestBackend {
    /// By name.
    async fn cluster_names(&self) -> ApiResult<Vec<(ClusterId, String)>> {
        let clusters = self.state.engine.store.clusters().await.map_err(stored)?;
        let mut names: Vec<_> = clusters.into_iter().map(|cluster| (cluster.id, cluster.name.to_string())).collect();
        names.sort_by(|one, other| one.1.cmp(&other.1));
        Ok(names)
    }
}

pub(super) fn demand(caller: &Caller, demand: SignInDemand) -> ApiResult<()> {
    match demand.unmet(caller.me.shown) {
        Some(missing) => Err(ApiError(Problem::from(missing))),
        None => Ok(()),
    }
}
