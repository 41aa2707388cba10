//! Fields of forms: label above, hint and error below, both read aloud with the field.

use super::id::fresh_id;
use crate::reactive::part;
use leptos::prelude::*;

/// A line of text.
#[component]
pub fn Field(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    #[prop(into, optional)] hint: Signal<Option<String>>,
    /// A whole sentence; the field is marked while there is one.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// `text`, `password`, `datetime-local` ...
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] name: &'static str,
    #[prop(optional)] placeholder: &'static str,
    /// What a machine reads: fixed-width.
    #[prop(optional)]
    mono: bool,
) -> impl IntoView {
    let id = fresh_id();
    let hint_id = format!("{id}h");
    let described_by = hint_id.clone();
    view! {
        <div class="field">
            <label for=id.clone()>{part(move || label.get())}</label>
            <input
                id=id
                class="input"
                class:mono=mono
                type=kind
                name=name
                placeholder=placeholder
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            <FieldNote id=hint_id hint error/>
        </div>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn Area(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    #[prop(into, optional)] hint: Signal<Option<String>>,
    #[prop(into, optional)] error: Signal<Option<String>>,
    #[prop(default = 2)] rows: u32,
) -> impl IntoView {
    let id = fresh_id();
    let hint_id = format!("{id}h");
    let described_by = hint_id.clone();
    view! {
        <div class="field">
            <label for=id.clone()>{part(move || label.get())}</label>
            <textarea
                id=id
                class="input"
                rows=rows
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            <FieldNote id=hint_id hint error/>
        </div>
    }
    .into_any()
}

/// A choice of one of several; `options` are values with their words.
#[component]
pub fn Select(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
) -> impl IntoView {
    let id = fresh_id();
    let choices = part(move || {
        options
            .get()
            .into_iter()
            .map(|(key, word)| {
                let own = key.clone();
                view! { <option value=key selected=move || value.with(|chosen| *chosen == own)>{word}</option> }
            })
            .collect_view()
    });
    view! {
        <div class="field">
            <label for=id.clone()>{part(move || label.get())}</label>
            <select id=id class="input" prop:value=move || value.get() on:change=move |event| value.set(event_target_value(&event))>
                {choices}
            </select>
        </div>
    }
    .into_any()
}

#[component]
fn FieldNote(id: String, hint: Signal<Option<String>>, error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <span class="field-note" class:text-bad=move || error.with(Option::is_some) id=id aria-live="polite">
            {part(move || error.get().map(|text| format!("✕ {text}")).or_else(|| hint.get()))}
        </span>
    }
    .into_any()
}
