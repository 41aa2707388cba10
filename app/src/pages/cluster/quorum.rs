//! Votes that somebody lowered, and the way to somebody who has to.

use crate::components::{Message, Tone};
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::live::LiveCluster;
use leptos::prelude::*;
use model::topology::Snapshot;

/// What there is to say of the votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Votes {
    /// Expected, and configured, where they are lowered.
    pub lowered: Option<(u32, u32)>,
    /// No side that is heard has a quorum, lowered or not: the way to recovery is shown.
    pub lost: bool,
}

impl Votes {
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        Self { lowered: snapshot.lowered(), lost: snapshot.standing().is_lost() }
    }
}

#[component]
pub fn Quorum(live: LiveCluster) -> impl IntoView {
    let i18n = use_i18n();
    let votes = memo(move |_| live.believed.with(Votes::of));
    let id = live.snapshot.with_untracked(|one| one.cluster);
    part(move || {
        let Votes { lowered, lost } = votes.get();
        let told = lowered.map(|(expected, configured)| {
            let decides = if lost {
                view! { <p>{word!(i18n, recover.lowered_lost)}</p> }.into_any()
            } else {
                view! { <p>{word!(i18n, recover.lowered_text)}</p> }.into_any()
            };
            view! {
                <Message tone=Tone::Look>
                    <p class="strong">{text!(i18n, recover.lowered, expected = expected, configured = configured)}</p>
                    {decides}
                </Message>
            }
        });
        let way = lost.then(|| {
            view! {
                <div class="row"><a class="button button-danger" href=format!("/clusters/{id}/quorum")>{word!(i18n, recover.go)}</a></div>
            }
        });
        view! { {told}{way} }
    })
}
