//! Entries, newest first, page by page. The newest page follows what is written while it is looked at.

use super::unread::Unreads;
use crate::api;
use crate::components::{Badge, Column, Empty, Message, Table, Tone, When};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::poll::{AUDIT_EVERY, poll};
use crate::words::use_words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;
use model::audit::{AuditFilter, AuditPage as Page, ChainedEntry};

#[component]
pub fn Entries(page: Page, asked: Memo<AuditFilter>, chosen: RwSignal<Option<ChainedEntry>>) -> impl IntoView {
    let i18n = use_i18n();
    let page = followed(page, asked);
    let count = part(move || {
        page.with(|page| {
            let (total, millis) = (page.total, page.millis);
            if page.more {
                said!(i18n, pages.audit_count_more, total = total, millis = millis).to_string()
            } else {
                said!(i18n, pages.audit_count, total = total, millis = millis).to_string()
            }
        })
    });
    let missing = memo(move |_| page.with(|page| page.unread.clone()));
    let missing = part(move || view! { <Unreads all=missing.get()/> });
    let nothing = memo(move |_| page.with(|page| page.entries.is_empty()));
    let next = memo(move |_| page.with(|page| page.next));
    let cut_at = memo(move |_| page.with(|page| page.next.filter(|_| page.cut)));
    let cut = part(move || {
        let index = cut_at.get()?;
        Some(view! { <Message><p>{word!(i18n, pages.audit_cut, index = index)}</p></Message> })
    });
    let pager = move || part(move || view! { <Pager next=next.get() asked/> });
    let list = part(move || match (nothing.get(), cut_at.get()) {
        (true, None) => {
            let text = view! { <p>{word!(i18n, pages.audit_empty_text)}</p> };
            view! { <Empty title=text!(i18n, pages.audit_empty)>{text}</Empty> }.into_any()
        }
        // Nothing among what was looked through so far says nothing of the rest.
        (true, Some(_)) => view! { {pager()} }.into_any(),
        (false, _) => view! { <OnePage page chosen/>{pager()} }.into_any(),
    });
    let broken = part(move || {
        let indexes = page.with(|page| page.unreadable.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
        (!indexes.is_empty()).then(|| {
            view! { <Message tone=Tone::Bad><p>{text!(i18n, pages.audit_unreadable, indexes = indexes.clone())}</p></Message> }
        })
    });
    view! { <p class="muted small" role="status">{count}</p>{missing}{broken}{cut}{list} }.into_any()
}

/// What the page came with, then what a look every few seconds finds. Older pages stay as they are: theirs never change. Outputs are
/// looked through when somebody asks, and not again and again.
fn followed(first: Page, asked: Memo<AuditFilter>) -> RwSignal<Page> {
    let page = RwSignal::new(first);
    poll(AUDIT_EVERY, move || {
        let filter = asked.get_untracked();
        if filter.before.is_some() || filter.sought().is_some() {
            return;
        }
        spawn_local(async move {
            let Ok(new) = api::audit(filter.clone(), true).await else { return };
            // The person may have gone elsewhere, or asked something else, by now.
            if asked.try_get_untracked() == Some(filter)
                && page.try_with_untracked(|old| is_other(old, &new)) == Some(true)
            {
                page.set(new);
            }
        });
    });
    page
}

/// Whether a look found entries that are not on screen, or archived parts that come or go; how long it took does not count.
fn is_other(old: &Page, new: &Page) -> bool {
    let newest = |page: &Page| page.entries.first().map(|one| one.index);
    newest(old) != newest(new) || old.total != new.total || old.unread != new.unread || old.unreadable != new.unreadable
}

#[component]
fn OnePage(page: RwSignal<Page>, chosen: RwSignal<Option<ChainedEntry>>) -> impl IntoView {
    let i18n = use_i18n();
    let entries = move || page.with(|page| page.entries.clone());
    let columns = vec![
        Column::text(text!(i18n, pages.column_when)),
        Column::text(text!(i18n, pages.column_who)),
        Column::text(text!(i18n, pages.column_what)),
        Column::text(text!(i18n, pages.column_where)),
        Column::text(text!(i18n, pages.column_why)),
        Column::text(text!(i18n, pages.column_outcome)),
    ];
    view! {
        <Table caption=text!(i18n, pages.audit) class="audit table-stacks" columns>
            // By index: a row that somebody is on stays the same one while others come above it.
            <For each=entries key=|one| one.index let:entry><Row entry chosen/></For>
        </Table>
    }
    .into_any()
}

#[component]
fn Row(entry: ChainedEntry, chosen: RwSignal<Option<ChainedEntry>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let index = entry.index;
    let on = move || chosen.with(|now| now.as_ref().is_some_and(|one| one.index == index));
    let one = entry.entry.clone();
    let (code, outcome) = (one.code, one.outcome);
    let place = [one.node, one.cluster_name].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let (exit, millis) = (one.exit, one.millis);
    let ended = part(move || {
        let exit = exit.map(|code| said!(i18n, common.exit_code, code = code).to_string());
        [exit, millis.map(took)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    view! {
        <tr aria-current=move || on().then_some("true")>
            <td class="nowrap"><When at=one.at/></td>
            <td>{one.who}</td>
            <th scope="row">
                <button type="button" class="link-button" on:click=move |_| chosen.set(Some(entry.clone()))>
                    {part(move || words.plain("audit", code.as_str()))}
                </button>
                {one.command.map(|command| view! { <span class="machine audit-command">{command}</span> })}
            </th>
            <td>{place}</td>
            <td class="muted">{one.reason}</td>
            <td>
                <Badge tone=Tone::from(outcome) word=derived(move || words.plain("outcome", outcome.word()))/>
                " "<span class="muted small nowrap">{ended}</span>
            </td>
        </tr>
    }
    .into_any()
}

/// `14 ms`, `3.2 s`.
pub fn took(millis: u64) -> String {
    if millis < 1_000 { format!("{millis} ms") } else { format!("{}.{} s", millis / 1_000, millis % 1_000 / 100) }
}

/// To older entries and back to the newest; both are addresses.
#[component]
fn Pager(next: Option<u64>, asked: Memo<AuditFilter>) -> impl IntoView {
    let i18n = use_i18n();
    let query = use_query_map();
    let at = move |before: Option<u64>| {
        let mut map = query.get();
        map.remove("before");
        if let Some(index) = before {
            map.insert("before", index.to_string());
        }
        format!("/audit{}", map.to_query_string())
    };
    let newest = part(move || {
        asked
            .with(|one| one.before.is_some())
            .then(|| view! { <a class="button" href=at(None)>{word!(i18n, pages.audit_newest)}</a> })
    });
    let older =
        next.map(|index| view! { <a class="button" href=move || at(Some(index))>{word!(i18n, pages.audit_older)}</a> });
    view! { <div class="row row-end audit-pager">{newest}{older}</div> }.into_any()
}
