//! Operations: of one cluster, or of all.

use crate::api;
use crate::api::{ApiResult, ClusterView, Reading};
use crate::components::{Badge, Card, Column, Empty, PageTitle, Table, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, cluster_in_address};
use crate::reactive::{derived, part};
use crate::state::live::follow;
use crate::words::use_words;
use leptos::prelude::*;
use model::operation::{Operation, StepStatus};

/// The newest operations of the cluster in the address; the list follows its stream.
#[component]
pub fn ClusterOperationsPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, pages.operations).to_owned());
    let cluster = cluster_in_address();
    view! {
        <PageTitle text=text!(i18n, pages.operations)/>
        <Loaded resource=cluster view=|view| view! { <Followed view/> }/>
    }
    .into_any()
}

#[component]
pub fn AllOperationsPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, pages.operations).to_owned());
    let all: Reading<ApiResult<Vec<Operation>>> = api::reading(|| (), |()| api::operations(None));
    view! {
        <PageTitle text=text!(i18n, pages.operations)/>
        <Loaded resource=all view=|operations| view! { <List operations/> }/>
    }
    .into_any()
}

#[component]
fn Followed(view: ClusterView) -> impl IntoView {
    let live = follow(&view);
    Around::is_about(view.cluster.name.as_str(), live);
    part(move || view! { <List operations=live.operations.get()/> })
}

#[component]
fn List(operations: Vec<Operation>) -> impl IntoView {
    let i18n = use_i18n();
    if operations.is_empty() {
        return view! {
            <Card><Empty title=text!(i18n, pages.operations_empty)><p>{word!(i18n, pages.operations_empty_text)}</p></Empty></Card>
        }
        .into_any();
    }
    let rows = operations.into_iter().map(|operation| view! { <Row operation/> }).collect_view();
    let columns = vec![
        Column::text(text!(i18n, pages.column_when)),
        Column::text(text!(i18n, pages.column_what)),
        Column::text(text!(i18n, pages.column_target)),
        Column::text(text!(i18n, pages.column_who)),
        Column::text(text!(i18n, pages.column_why)),
        Column::text(text!(i18n, pages.column_state)),
    ];
    view! {
        <Card>
            <Table caption=text!(i18n, pages.operations) columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
fn Row(operation: Operation) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let (intent, state) = (operation.plan.intent.word(), operation.state.word());
    let done = operation.steps.iter().filter(|step| matches!(step, StepStatus::Proven { .. })).count();
    let all = operation.plan.steps.len();
    view! {
        <tr>
            <td><When at=operation.proposed_at/></td>
            <th scope="row"><a class="strong" href=format!("/operations/{}", operation.id)>{part(move || words.plain("intent", intent))}</a></th>
            <td class="mono">{operation.plan.target.clone()}</td>
            <td>{operation.proposed_by.clone()}</td>
            <td class="muted">{operation.reason.clone()}</td>
            <td>
                <Badge tone=Tone::from(&operation.state) word=derived(move || words.plain("operation", state))/>
                " "<span class="muted small nowrap">{part(move || said!(i18n, pages.steps_of, done = done, all = all).to_string())}</span>
            </td>
        </tr>
    }
    .into_any()
}
