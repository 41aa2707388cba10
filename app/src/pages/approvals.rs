//! Requests for somebody's agreement: what waits, and what became of the others.

mod decision;
mod facts;
mod place;
mod request;

pub use request::RequestPage;

use crate::api;
use crate::api::{ApiResult, Reading, RequestLine};
use crate::components::{Badge, Card, Column, Empty, PageTitle, Table, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, part};
use crate::state::clock::use_clock;
use crate::state::poll::{INBOX_EVERY, poll};
use crate::words::use_words;
use jiff::Timestamp;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::risk::Risk;

/// `/approvals`
#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, team.approvals).to_owned());
    let first: Reading<ApiResult<Vec<RequestLine>>> = api::reading(|| (), |()| api::requests(false));
    view! {
        <PageTitle text=text!(i18n, team.approvals)/>
        <Loaded resource=first view=|lines| view! { <Lists lines/> }/>
    }
    .into_any()
}

#[component]
fn Lists(lines: Vec<RequestLine>) -> impl IntoView {
    let i18n = use_i18n();
    let lines = RwSignal::new(lines);
    poll(INBOX_EVERY, move || {
        spawn_local(async move {
            let Ok(new) = api::requests(true).await else { return };
            // The page may be gone by now.
            if lines.try_with_untracked(|old| *old != new) == Some(true) {
                lines.set(new);
            }
        });
    });
    let open = move |line: &RequestLine| matches!(line.state.as_str(), "waiting" | "approved" | "counting");
    let list = move |wanted: bool| {
        let some: Vec<RequestLine> = lines.get().into_iter().filter(|line| open(line) == wanted).collect();
        if some.is_empty() {
            let text = if wanted { said!(i18n, team.none_open) } else { said!(i18n, team.none_over) };
            return view! { <Empty title=text!(i18n, team.none)><p>{text}</p></Empty> }.into_any();
        }
        view! { <Requests lines=some/> }.into_any()
    };
    view! {
        <div class="stack">
            <Card title=text!(i18n, team.open_requests)>{part(move || list(true))}</Card>
            <Card title=text!(i18n, team.past_requests)>{part(move || list(false))}</Card>
        </div>
    }
    .into_any()
}

#[component]
fn Requests(lines: Vec<RequestLine>) -> impl IntoView {
    let i18n = use_i18n();
    let rows = lines.into_iter().map(|line| view! { <Row line/> }).collect_view();
    let columns = vec![
        Column::text(text!(i18n, pages.column_what)),
        Column::text(text!(i18n, team.cluster)),
        Column::text(text!(i18n, pages.column_state)),
        Column::text(text!(i18n, team.asked_by)),
        Column::text(text!(i18n, pages.column_when)),
        Column::text(text!(i18n, team.ends_in)),
    ];
    view! {
        <Table caption=text!(i18n, team.approvals) columns>
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(line: RequestLine) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let word = line.word.clone();
    let risk = line.risk.map(|risk| view! { " "<RiskBadge risk/> });
    let for_me = line.for_me.then(|| {
        view! { " "<Badge tone=Tone::Act word=text!(i18n, team.for_you)/> }
    });
    let review = line.awaits_review.then(|| {
        view! { " "<Badge tone=Tone::Look word=text!(i18n, team.to_review)/> }
    });
    let state = line.state.clone();
    let tone = tone_of(&line.state);
    let ends = line.ends_at.map(|at| view! { <Left at/> });
    view! {
        <tr>
            <th scope="row"><a class="strong" href=format!("/approvals/{}", line.id)>{part(move || words.plain("intent", &word))}</a>{risk}</th>
            <td class="mono">{line.cluster_name}</td>
            <td><Badge tone word=derived(move || words.plain("request", &state))/>{for_me}{review}</td>
            <td>{line.requested_by}</td>
            <td><When at=line.requested_at/></td>
            <td class="nowrap">{ends}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn RiskBadge(risk: Risk) -> impl IntoView {
    let words = use_words();
    let word = serde_json::to_value(risk).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    view! { <Badge tone=Tone::from(risk) word=derived(move || words.plain("risk", &word))/> }.into_any()
}

/// What the state of a request means.
fn tone_of(state: &str) -> Tone {
    match state {
        "waiting" => Tone::Look,
        "approved" | "used" => Tone::Good,
        "counting" | "rejected" | "stopped" => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// How long until then, while one watches: `0:42`, `14:59`, `23 h 05 min`.
#[component]
pub fn Left(at: Timestamp) -> impl IntoView {
    let clock = use_clock();
    let text = part(move || left(at.duration_since(clock.now()).as_secs()));
    view! { <time datetime=at.to_string()>{text}</time> }.into_any()
}

fn left(seconds: i64) -> String {
    let seconds = seconds.max(0);
    if seconds < 3_600 {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else {
        format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60)
    }
}

#[cfg(test)]
mod tests {
    use super::left;

    #[test]
    fn what_is_left_is_written_short_and_never_below_nothing() {
        assert_eq!(left(-5), "0:00");
        assert_eq!(left(42), "0:42");
        assert_eq!(left(899), "14:59");
        assert_eq!(left(86_399), "23 h 59 min");
    }
}
