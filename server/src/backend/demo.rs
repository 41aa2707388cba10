//! The demo's switches; without a demo there are none.

use super::RequestBackend;
use app::api::*;
use model::can::Deed;
use model::problem::ProblemCode;

impl RequestBackend {
    pub(super) async fn do_demo_switches(&self, _caller: Caller) -> ApiResult<Vec<DemoSwitch>> {
        Ok(self.state.demo.as_ref().map(|panel| panel.switches()).unwrap_or_default())
    }

    pub(super) async fn do_demo_switch(&self, caller: Caller, id: String, on: bool) -> ApiResult<Vec<DemoSwitch>> {
        Self::may(&caller, Deed::RunPlan)?;
        let panel = self.state.demo.as_ref().ok_or(ProblemCode::NotFound)?;
        panel.switch(&id, on).await.ok_or(ProblemCode::NotFound)?;
        Ok(panel.switches())
    }
}
