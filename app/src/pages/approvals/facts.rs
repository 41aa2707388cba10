//! What a request rests on, then and now, and what its plan does to the votes.

use super::request::Watched;
use crate::components::{Age, Badge, Card, Column, Table, Tone, When};
use crate::i18n::*;
use crate::pages::audit::Relied;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::approval::{Blast, Change, Compared, FactCode, FactLine, Subject};

/// A line of both sides.
#[derive(Clone, PartialEq, Eq)]
struct Row {
    change: Change,
    /// It is not as it was, and that is known.
    differs: bool,
}

/// Every material fact as it was and as it is; one that differs voids the request.
#[component]
pub fn FactsCard(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let then = watched.view.with_untracked(|view| match &view.request.subject {
        Subject::Plan { facts, .. } => facts.clone(),
        Subject::Policy { .. } => Vec::new(),
    });
    let compared = memo(move |_| watched.view.with(|view| view.compared));
    let rows = memo(move |_| watched.view.with(|view| both(&then, &view.facts, view.compared.is_some())));
    let count = move |of: fn(&Row) -> bool| rows.with(|rows| rows.iter().filter(|row| of(row)).count());
    let badge = part(move || {
        let (tone, word) = match compared.get() {
            Some(Compared::Same) => (Tone::Good, text!(i18n, team.nothing_changed)),
            Some(Compared::Changed) => {
                let count = count(|row| row.differs).max(1);
                (Tone::Bad, derived(move || said!(i18n, team.facts_changed, count = count).to_string()))
            }
            Some(Compared::CannotTell) => {
                let count = count(|row| row.change.then.is_some() && row.change.now.is_none());
                (Tone::Unknown, derived(move || said!(i18n, team.facts_unknown, count = count).to_string()))
            }
            None => (Tone::Unknown, text!(i18n, common.not_known)),
        };
        view! { <Badge tone word/> }
    });
    let table = part(move || {
        let rows = rows.get().into_iter().map(|row| view! { <FactLineRow row/> }).collect_view();
        view! { <ThenNow title=text!(i18n, team.material) rows=rows.into_any()/> }
    });
    let extra = view! { <span>{badge}" · "<LookedAt watched/></span> }.into_any();
    let cluster = watched.view.with_untracked(|view| view.request.cluster);
    view! {
        <Card title=text!(i18n, team.material) extra>
            <p class="muted small">{word!(i18n, team.material_text)}</p>
            <Gone watched/>
            <div class="stack">{table}<Relied request=watched.id cluster/></div>
        </Card>
    }
    .into_any()
}

/// How old everything is that is shown as of now.
#[component]
fn LookedAt(watched: Watched) -> impl IntoView {
    view! { <Age at=watched.looked_at/> }.into_any()
}

/// Where the cluster of a request has been forgotten since.
#[component]
fn Gone(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let gone = memo(move |_| watched.view.with(|view| view.compared.is_none()));
    part(move || gone.get().then(|| view! { <p class="text-unknown">{word!(i18n, team.facts_gone)}</p> }))
}

/// What else is not as it was when it was asked for.
#[component]
pub fn SinceCard(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let since = memo(move |_| watched.view.with(|view| view.compared.map(|_| view.since.clone())));
    let table = part(move || {
        let Some(since) = since.get() else { return view! { <Gone watched/> }.into_any() };
        if since.is_empty() {
            return view! { <p class="muted">{word!(i18n, team.since_nothing)}</p> }.into_any();
        }
        let known = |change: Change| Row { differs: change.now.is_some(), change };
        let rows = since.into_iter().map(|change| view! { <FactLineRow row=known(change)/> }).collect_view();
        view! { <ThenNow title=text!(i18n, team.since) rows=rows.into_any()/> }.into_any()
    });
    view! { <Card title=text!(i18n, team.since)>{table}</Card> }.into_any()
}

#[component]
fn ThenNow(title: Signal<String>, rows: AnyView) -> impl IntoView {
    let i18n = use_i18n();
    let columns = vec![
        Column::text(text!(i18n, team.fact)),
        Column::text(text!(i18n, team.fact_then)),
        Column::text(text!(i18n, team.fact_now)),
    ];
    view! {
        <Table caption=title class="facts-table" columns>
            {rows}
        </Table>
    }
    .into_any()
}

/// Every line of both sides, in the order of the first. What is not known now is no difference, a line more or less is one;
/// where nobody could look at all there is none.
fn both(then: &[FactLine], now: &[FactLine], looked: bool) -> Vec<Row> {
    let at = |lines: &[FactLine], key: &FactLine| {
        lines.iter().find(|line| line.code == key.code && line.about == key.about).map(|line| line.value.clone())
    };
    let new = now.iter().filter(|line| at(then, line).is_none());
    let row = |line: &FactLine| {
        let (old, new) = (at(then, line), at(now, line));
        let is_other = old.is_none() || new.is_none() || (old != new && new != Some(None));
        let (then, now) = (old.flatten(), new.flatten());
        Row { change: Change { code: line.code, about: line.about.clone(), then, now }, differs: looked && is_other }
    };
    then.iter().chain(new).map(row).collect()
}

#[component]
fn FactLineRow(row: Row) -> impl IntoView {
    let words = use_words();
    let Row { change: Change { code, about, then, now }, differs } = row;
    let name = part(move || {
        let word = words.plain("fact", code.as_str());
        if about.is_empty() { word } else { format!("{word} · {about}") }
    });
    view! {
        <tr class:fact-changed=differs>
            <th scope="row">{name}</th>
            <td><Value code value=then/></td>
            <td><Value code value=now/></td>
        </tr>
    }
    .into_any()
}

/// A value in words; what is not known says so.
#[component]
fn Value(code: FactCode, value: Option<String>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Some(value) = value else {
        return view! { <Badge tone=Tone::Unknown word=text!(i18n, common.not_known)/> }.into_any();
    };
    let text = part(move || match (code, value.as_str()) {
        (FactCode::Health, word) => words.plain("health", word),
        (_, "yes") => said!(i18n, common.yes).to_owned(),
        (_, "no") => said!(i18n, common.no).to_owned(),
        (FactCode::Power, "on") => said!(i18n, team.power_on).to_owned(),
        (_, "") => said!(i18n, team.value_none).to_owned(),
        (_, other) => other.to_owned(),
    });
    view! { <span>{text}</span> }.into_any()
}

/// Votes and quorum after the plan: as it was when it was asked for, and as it is, as long as something can come of it.
#[component]
pub fn BlastCard(watched: Watched, then: Blast) -> impl IntoView {
    let i18n = use_i18n();
    let asked_at = watched.view.with_untracked(|view| view.request.requested_at);
    let open = memo(move |_| watched.view.with(|view| view.request.state.is_open()));
    let now = memo(move |_| watched.view.with(|view| view.blast.clone()));
    let of_now = part(move || {
        let blast = now.get();
        let votes = match blast {
            Some(blast) => view! { <Votes blast/> }.into_any(),
            None => view! { <Badge tone=Tone::Unknown word=text!(i18n, common.not_known)/> }.into_any(),
        };
        open.get().then(|| view! { <h3>{word!(i18n, team.fact_now)}" · "<LookedAt watched/></h3>{votes} })
    });
    view! {
        <Card title=text!(i18n, team.blast)>
            <div class="stack">
                <h3>{word!(i18n, team.fact_then)}" · "<When at=asked_at/></h3>
                <Votes blast=then/>
                {of_now}
            </div>
        </Card>
    }
    .into_any()
}

/// What a plan does to the votes, in words.
#[component]
fn Votes(blast: Blast) -> impl IntoView {
    let i18n = use_i18n();
    let pair = move |votes: Option<u32>, quorum: Option<u32>| match (votes, quorum) {
        (Some(votes), Some(quorum)) => said!(i18n, team.votes_of, votes = votes, quorum = quorum).to_string(),
        _ => said!(i18n, common.not_known).to_owned(),
    };
    let margin = move |margin: Option<i64>| match margin {
        Some(more @ 0..) => said!(i18n, team.margin_left, votes = more).to_string(),
        Some(_) => said!(i18n, team.margin_lost).to_owned(),
        None => said!(i18n, common.not_known).to_owned(),
    };
    let Blast { votes_now, quorum_now, votes_after, quorum_after, margin_after, margin_meanwhile, guests, guest_ids } =
        blast;
    let ids = guest_ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let guests = move || match guests {
        None => said!(i18n, common.not_known).to_owned(),
        Some(count) if ids.is_empty() => count.to_string(),
        Some(count) => said!(i18n, team.guests_named, count = count, ids = ids.clone()).to_string(),
    };
    let meanwhile = margin_meanwhile.map(|one| {
        view! { <div><dt>{word!(i18n, team.blast_meanwhile)}</dt><dd>{part(move || margin(Some(one)))}</dd></div> }
    });
    view! {
        <dl class="blast">
            <div><dt>{word!(i18n, team.blast_before)}</dt><dd>{part(move || pair(votes_now, quorum_now))}</dd></div>
            {meanwhile}
            <div><dt>{word!(i18n, team.blast_after)}</dt><dd>{part(move || pair(votes_after, quorum_after))}</dd></div>
            <div><dt>{word!(i18n, team.blast_margin)}</dt><dd>{part(move || margin(margin_after))}</dd></div>
            <div><dt>{word!(i18n, team.blast_guests)}</dt><dd>{part(guests)}</dd></div>
        </dl>
    }
    .into_any()
}
