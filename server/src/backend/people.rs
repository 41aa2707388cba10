//! Signing in and out, invitations, accounts.

use super::access::demand;
use super::who::{broken, me, shown};
use super::{RequestBackend, actor, stored};
use crate::sessions::{ACCOUNT, Account};
use app::api::*;
use engine::ports::StoredUser;
use model::audit::{AuditCode, Outcome};
use model::can::Deed;
use model::ids::UserId;
use model::policy::SignInDemand;
use model::problem::ProblemCode;
use zeroize::Zeroizing;

impl RequestBackend {
    pub(super) async fn do_sign_in(&self, name: String, password: String, code: Option<String>) -> ApiResult<Me> {
        let (password, code) = (Zeroizing::new(password), code.map(Zeroizing::new));
        let user = self.state.accounts.sign_in(&name, password, code, &self.from).await?;
        self.begin(user).await
    }

    /// A new session id for a new person: what was known before the sign-in opens nothing.
    async fn begin(&self, user: StoredUser) -> ApiResult<Me> {
        let now = self.state.engine.clock.now();
        self.session.cycle_id().await.map_err(broken)?;
        // Who comes in with an invitation has no second factor yet, and everybody else has just shown theirs.
        let second_at = user.second_factor.then_some(now);
        let account = Account { user: user.id, signed_in_at: now, fresh_at: now, touched_at: now, second_at };
        let shown = shown(&account, user.second_factor, now);
        self.session.insert(ACCOUNT, account).await.map_err(broken)?;
        Ok(me(&self.state, user, shown))
    }

    pub(super) async fn do_sign_out(&self) -> ApiResult<()> {
        if let Ok(caller) = self.caller().await {
            let entry = self.state.engine.audit.entry(AuditCode::SignedOut, &actor(&caller), Outcome::Success);
            self.state.engine.audit.write(entry).await.map_err(stored)?;
        }
        self.session.flush().await.map_err(broken)
    }

    pub(super) async fn do_confirm_password(&self, password: String, code: Option<String>) -> ApiResult<Me> {
        let caller = self.caller().await?;
        let (password, code) = (Zeroizing::new(password), code.map(Zeroizing::new));
        let second = self.state.accounts.confirm(caller.me.id, password, code, &self.from).await?;
        let now = self.state.engine.clock.now();
        let mut account: Account = self.session.get(ACCOUNT).await.map_err(broken)?.ok_or(ProblemCode::NotSignedIn)?;
        account.fresh_at = now;
        account.second_at = if second { Some(now) } else { account.second_at };
        let shown = shown(&account, caller.me.shown.is_enrolled(), now);
        self.session.insert(ACCOUNT, account).await.map_err(broken)?;
        Ok(Me { shown, ..caller.me })
    }

    pub(super) async fn do_look_at_invite(&self, token: String) -> ApiResult<Invite> {
        let (role, name) = self.state.accounts.look_at_invite(&token).await?;
        Ok(Invite { role, name })
    }

    pub(super) async fn do_accept_invite(&self, token: String, name: String, password: String) -> ApiResult<Me> {
        let user = self.state.accounts.accept(&token, &name, Zeroizing::new(password), &self.from).await?;
        self.begin(user).await
    }

    pub(super) async fn do_people(&self, caller: Caller) -> ApiResult<Vec<Person>> {
        Self::may(&caller, Deed::ManagePeople)?;
        let users = self.state.engine.store.users().await.map_err(stored)?;
        Ok(users
            .into_iter()
            .map(|user| Person {
                id: user.id,
                name: user.name,
                access: user.access,
                disabled: user.disabled,
                second_factor: user.second_factor,
                last_sign_in: user.last_sign_in,
            })
            .collect())
    }

    pub(super) async fn do_disable_person(&self, caller: Caller, id: UserId) -> ApiResult<()> {
        Self::may(&caller, Deed::ManagePeople)?;
        demand(&caller, SignInDemand::WHOLE)?;
        self.state.accounts.disable(&actor(&caller), id).await.map_err(ApiError)
    }
}
