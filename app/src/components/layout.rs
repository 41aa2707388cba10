//! Cards, titles and the faces of a page without content.

use crate::reactive::part;
use leptos::prelude::*;
use leptos_meta::Title;

/// The page's title, in the document and on screen; badges stand beside it, actions at the end.
#[component]
pub fn PageTitle(
    #[prop(into)] text: Signal<String>,
    #[prop(optional)] badges: Option<AnyView>,
    #[prop(optional)] actions: Option<AnyView>,
) -> impl IntoView {
    view! {
        <Title text=move || text.get()/>
        <header class="page-title">
            <h1>{part(move || text.get())}</h1>
            {badges}
            <span class="page-actions">{actions}</span>
        </header>
    }
    .into_any()
}

/// A box with thin lines and, mostly, a heading.
#[component]
pub fn Card(
    #[prop(into, optional)] title: Signal<String>,
    #[prop(optional)] extra: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card">
            <header class="card-head" hidden=move || title.with(String::is_empty)>
                <h2>{part(move || title.get())}</h2>
                {extra}
            </header>
            {children()}
        </section>
    }
    .into_any()
}

/// One line of a list of facts: name, value, source. Stands in `<dl class="facts">`.
#[component]
pub fn FactRow(
    #[prop(into)] name: Signal<String>,
    #[prop(optional)] source: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="fact">
            <dt>{part(move || name.get())}</dt>
            <dd>{children()}</dd>
            <dd class="fact-source">{source}</dd>
        </div>
    }
    .into_any()
}

/// Something is on its way.
#[component]
pub fn Spinner(#[prop(into)] word: Signal<String>) -> impl IntoView {
    view! { <p class="spinner" role="status"><span class="spinner-wheel" aria-hidden="true"></span>{part(move || word.get())}</p> }
    .into_any()
}

/// Nothing here, and what to do about it.
#[component]
pub fn Empty(#[prop(into)] title: Signal<String>, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{part(move || title.get())}</p>
            {children()}
        </div>
    }
    .into_any()
}

/// Reads changes aloud without moving the focus.
#[component]
pub fn LiveRegion(#[prop(into)] text: Signal<String>) -> impl IntoView {
    view! { <p class="visually-hidden" aria-live="polite" aria-atomic="true">{part(move || text.get())}</p> }.into_any()
}

/// A choice between views of the same thing; `options` are keys with their words.
#[component]
pub fn Tabs(
    #[prop(into)] label: Signal<String>,
    chosen: RwSignal<&'static str>,
    #[prop(into)] options: Signal<Vec<(&'static str, String)>>,
) -> impl IntoView {
    let buttons = part(move || {
        options
            .get()
            .into_iter()
            .map(|(key, word)| {
                let on = move || chosen.get() == key;
                view! {
                    <button type="button" class="tab" aria-pressed=move || on().to_string() on:click=move |_| chosen.set(key)>{word}</button>
                }
            })
            .collect_view()
    });
    view! { <div class="tabs" role="group" aria-label=move || label.get()>{buttons}</div> }.into_any()
}
