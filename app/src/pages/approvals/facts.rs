//! What a request rests on, then and now, and what its plan does to the votes.

use super::request::Watched;
use crate::components::{Badge, Card, Column, Table, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::approval::{Blast, Change, FactCode, FactLine, Subject};

/// Every material fact as it was and as it is; one that differs voids the request.
#[component]
pub fn FactsCard(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let then = watched.view.with_untracked(|view| match &view.request.subject {
        Subject::Plan { facts, .. } => facts.clone(),
        Subject::Policy { .. } => Vec::new(),
    });
    let now = memo(move |_| watched.view.with(|view| (view.facts.clone(), view.changed.len())));
    let badge = part(move || {
        let changed = now.with(|(_, changed)| *changed);
        let tone = if changed == 0 { Tone::Good } else { Tone::Bad };
        let word = derived(move || match changed {
            0 => said!(i18n, team.nothing_changed).to_owned(),
            count => said!(i18n, team.facts_changed, count = count).to_string(),
        });
        view! { <Badge tone word/> }
    });
    let table = part(move || {
        let facts = now.with(|(facts, _)| facts.clone());
        let rows = both(&then, &facts).into_iter().map(|row| view! { <FactLineRow row/> }).collect_view();
        view! { <ThenNow title=text!(i18n, team.material) rows=rows.into_any()/> }
    });
    view! {
        <Card title=text!(i18n, team.material) extra=view! { <span>{badge}</span> }.into_any()>
            <p class="muted small">{word!(i18n, team.material_text)}</p>
            {table}
        </Card>
    }
    .into_any()
}

/// What else is not as it was when it was asked for.
#[component]
pub fn SinceCard(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let since = memo(move |_| watched.view.with(|view| view.since.clone()));
    let table = part(move || {
        let since = since.get();
        if since.is_empty() {
            return view! { <p class="muted">{word!(i18n, team.since_nothing)}</p> }.into_any();
        }
        let rows = since.into_iter().map(|row| view! { <FactLineRow row/> }).collect_view();
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

/// Every line of both sides, in the order of the first.
fn both(then: &[FactLine], now: &[FactLine]) -> Vec<Change> {
    let value = |lines: &[FactLine], key: &FactLine| {
        lines.iter().find(|line| line.code == key.code && line.about == key.about).and_then(|line| line.value.clone())
    };
    let new = now.iter().filter(|line| !then.iter().any(|old| old.code == line.code && old.about == line.about));
    let row = |line: &FactLine| Change {
        code: line.code,
        about: line.about.clone(),
        then: value(then, line),
        now: value(now, line),
    };
    then.iter().chain(new).map(row).collect()
}

#[component]
fn FactLineRow(row: Change) -> impl IntoView {
    let words = use_words();
    let Change { code, about, then, now } = row;
    let changed = then != now;
    let name = part(move || {
        let word = words.plain("fact", code.as_str());
        if about.is_empty() { word } else { format!("{word} · {about}") }
    });
    view! {
        <tr class:fact-changed=changed>
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

/// Votes and quorum after the plan, in words.
#[component]
pub fn BlastCard(blast: Blast) -> impl IntoView {
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
        <Card title=text!(i18n, team.blast)>
            <dl class="blast">
                <div><dt>{word!(i18n, team.blast_now)}</dt><dd>{part(move || pair(votes_now, quorum_now))}</dd></div>
                {meanwhile}
                <div><dt>{word!(i18n, team.blast_after)}</dt><dd>{part(move || pair(votes_after, quorum_after))}</dd></div>
                <div><dt>{word!(i18n, team.blast_margin)}</dt><dd>{part(move || margin(margin_after))}</dd></div>
                <div><dt>{word!(i18n, team.blast_guests)}</dt><dd>{part(guests)}</dd></div>
            </dl>
        </Card>
    }
    .into_any()
}
