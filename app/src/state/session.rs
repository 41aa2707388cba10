//! Who is signed in.

use crate::api::Me;
use leptos::prelude::*;
use model::can::{self, Deed};
use model::ids::ClusterId;
use model::problem::Problem;

/// The person in front of the screen; the frame provides it to every page behind the sign-in.
#[derive(Clone, Copy)]
pub struct Session(pub RwSignal<Me>);

impl Session {
    /// Why the person may not do something on a cluster (or anywhere, without one); `None` when they may.
    #[must_use]
    pub fn refusal(self, deed: Deed, cluster: Option<ClusterId>) -> Option<Problem> {
        let role = self.0.with(|me| cluster.map_or(me.access.everywhere, |id| me.access.on(id)));
        can::do_it(role, deed).err()
    }

    #[must_use]
    pub fn demo_speed(self) -> Option<String> {
        self.0.with(|me| me.demo_speed.clone())
    }

    #[must_use]
    pub fn demo(self) -> bool {
        self.0.with(|me| me.demo)
    }
}

/// The session of the pages behind the sign-in; `None` on the pages before it.
#[must_use]
pub fn use_session() -> Option<Session> {
    use_context()
}
