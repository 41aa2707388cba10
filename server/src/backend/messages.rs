//! Messages that leave the console: where they go, and trying it.

use super::{RequestBackend, actor, stored};
use app::api::*;
use async_trait::async_trait;
use engine::notify::Standing;
use model::can::Deed;

#[async_trait]
impl MessagesBackend for RequestBackend {
    async fn messages(&self, caller: Caller) -> ApiResult<MessagesView> {
        Self::may(&caller, Deed::ManageMessages)?;
        let notifier = &self.state.notifier;
        let places = notifier.standing().await.map_err(stored)?;
        Ok(MessagesView { places: places.into_iter().map(view).collect(), base: notifier.base().map(str::to_owned) })
    }

    async fn test_message(&self, caller: Caller, name: String) -> ApiResult<Tested> {
        Self::may(&caller, Deed::ManageMessages)?;
        let problem = self.state.notifier.test(&actor(&caller), &name).await.map_err(ApiError)?;
        Ok(Tested { problem, view: self.messages(caller).await? })
    }
}

fn view(one: Standing) -> PlaceView {
    let Standing { name, address, state, queue } = one;
    PlaceView {
        name: name.to_owned(),
        address,
        delivered_at: state.delivered_at,
        failing_since: state.failing_since,
        failures: state.failures,
        outage: state.told,
        resume_at: state.resume_at,
        last_failure: state.last_failure.map(|(at, problem)| Failure { at, problem }),
        waiting: queue.waiting,
        oldest: queue.oldest,
        given_up: state.given_up,
    }
}
