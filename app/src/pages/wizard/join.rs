//! Step 4: the other nodes join, strictly one after the other, in one plan.

use super::context::Wizard;
use super::foot::Foot;
use super::midway::Midways;
use super::progress::LastOperation;
use super::runner::PlanRunner;
use super::steps::{NotYet, blocked};
use crate::api::Wish;
use crate::components::{Button, ButtonKind, Card, Column, Message, Table, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use leptos::prelude::*;
use model::ids::NodeId;
use model::inventory::Purpose;
use model::quorum::quorum;
use model::wizard::WizardStep;

const STEP: WizardStep = WizardStep::Join;

#[component]
pub fn Join() -> impl IntoView {
    let wizard = Wizard::here();
    let done = memo(move |_| wizard.is_done(STEP));
    let problem = memo(move |_| blocked(wizard, STEP));
    let content = part(move || match (done.get(), problem.get()) {
        (true, _) => view! { <Joined/> }.into_any(),
        (false, Some(problem)) => view! { <NotYet problem/> }.into_any(),
        (false, None) => view! { <Choose/> }.into_any(),
    });
    view! {
        {content}
        <Midways/>
        <Foot step=STEP/>
    }
}

#[component]
fn Joined() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let members = move || wizard.nodes(Purpose::Member).len();
    view! {
        <Show when=move || !wizard.runs(STEP)>
            <Message tone=Tone::Good><p role="status">{text!(i18n, wizard.join_done, count = members())}</p></Message>
        </Show>
        <LastOperation step=STEP/>
    }
}

#[component]
fn Choose() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let waiting = memo(move |_| wizard.joiners().iter().map(|node| node.id).collect::<Vec<_>>());
    let wanted = RwSignal::new(waiting.get_untracked());
    // The person's order, without those who have joined meanwhile, and with those who were added.
    let order = memo(move |_| {
        let waiting = waiting.get();
        let mut order: Vec<NodeId> = wanted.get().into_iter().filter(|id| waiting.contains(id)).collect();
        order.extend(waiting.iter().filter(|id| !order.contains(id)).copied().collect::<Vec<_>>());
        order
    });
    let wish = derived(move || order.with(|order| (!order.is_empty()).then(|| Wish::Join { joiners: order.clone() })));
    let why = derived(move || order.with(Vec::is_empty).then(|| said!(i18n, wizard.join_nobody).to_owned()));
    let joined = move || wizard.nodes(Purpose::Member).len().saturating_sub(order.with(Vec::len));
    let rows = move || {
        let count = order.with(Vec::len);
        let before = joined();
        order
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, id)| view! { <Joiner id index count members=before + index + 1 order wanted/> })
            .collect_view()
    };
    let columns = move || {
        vec![
            Column::text(text!(i18n, wizard.join_order)),
            Column::text(text!(i18n, wizard.node)),
            Column::number(text!(i18n, wizard.join_votes)),
            Column::number(text!(i18n, wizard.join_quorum)),
            Column::heard(text!(i18n, wizard.join_move)),
        ]
    };
    view! {
        <PlanRunner step=STEP wish why label=text!(i18n, wizard.join_run)>
            <Card title=text!(i18n, wizard.join_title)>
                <div class="stack">
                    <p>{word!(i18n, wizard.join_text)}</p>
                    <Show when=move || joined() == 1><Message tone=Tone::Look><p>{word!(i18n, wizard.join_first_warning)}</p></Message></Show>
                    <Table caption=text!(i18n, wizard.join_title) columns=columns()>
                        {part(rows)}
                    </Table>
                </div>
            </Card>
        </PlanRunner>
    }
}

/// `members` counts the nodes that are in the cluster once this one has joined.
#[component]
fn Joiner(
    id: NodeId,
    index: usize,
    count: usize,
    members: usize,
    order: Memo<Vec<NodeId>>,
    wanted: RwSignal<Vec<NodeId>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let label = wizard.label(id);
    let votes = u32::try_from(members).unwrap_or(u32::MAX);
    let swap = move |with: usize| {
        let mut new = order.get_untracked();
        if index < new.len() && with < new.len() {
            new.swap(index, with);
            wanted.set(new);
        }
    };
    let (up, down) = (label.clone(), label.clone());
    let earlier = (index > 0).then(|| {
        view! {
            <Button kind=ButtonKind::Quiet on_press=Callback::new(move |()| swap(index - 1))>
                <span aria-hidden="true">"↑"</span><span class="visually-hidden">{text!(i18n, wizard.join_earlier, node = up.clone())}</span>
            </Button>
        }
    });
    let later = (index + 1 < count).then(|| {
        view! {
            <Button kind=ButtonKind::Quiet on_press=Callback::new(move |()| swap(index + 1))>
                <span aria-hidden="true">"↓"</span><span class="visually-hidden">{text!(i18n, wizard.join_later, node = down.clone())}</span>
            </Button>
        }
    });
    view! {
        <tr>
            <td>{index + 1}</td>
            <th scope="row">{label}</th>
            <td class="number">{votes}</td>
            <td class="number">{quorum(votes)}</td>
            <td class="nowrap">{earlier}{later}</td>
        </tr>
    }
}
