//! A question in front of the page: the browser's own dialog keeps the focus inside and closes on Escape.

use super::id::fresh_id;
use crate::reactive::part;
use leptos::html;
use leptos::prelude::*;

/// A modal dialog; it is open while `open` is true.
#[component]
pub fn Dialog(open: RwSignal<bool>, #[prop(into)] title: Signal<String>, children: Children) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    let id = fresh_id();
    let labelled_by = id.clone();
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        match (open.get(), dialog.open()) {
            // Fails only for a dialog that is open already or not in the document.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog node_ref=element class="dialog" aria-labelledby=labelled_by on:close=move |_| open.set(false)>
            <h2 id=id class="dialog-title">{part(move || title.get())}</h2>
            {children()}
        </dialog>
    }
    .into_any()
}
