//! Copies a text that stands beside it.

use super::button::{Button, ButtonKind};
use crate::i18n::*;
use crate::reactive::part;
use leptos::prelude::*;

/// Says that it has copied; where the browser has no clipboard (no TLS), it says so and the text can be selected.
#[component]
pub fn CopyButton(#[prop(into)] text: Signal<String>) -> impl IntoView {
    let i18n = use_i18n();
    let done = RwSignal::new(None::<bool>);
    let word = part(move || match done.get() {
        None => said!(i18n, wizard.copy),
        Some(true) => said!(i18n, wizard.copied),
        Some(false) => said!(i18n, wizard.copy_by_hand),
    });
    view! {
        <Button kind=ButtonKind::Plain on_press=Callback::new(move |()| done.set(Some(write(&text.get_untracked()))))>
            <span aria-live="polite">{word}</span>
        </Button>
    }
    .into_any()
}

/// Hands the text to the clipboard, if there is one: browsers offer it over TLS and on loopback only.
fn write(text: &str) -> bool {
    use wasm_bindgen::JsCast;
    let get = |object: &wasm_bindgen::JsValue, name: &str| {
        js_sys::Reflect::get(object, &name.into()).ok().filter(|found| !found.is_undefined())
    };
    let Some(clipboard) = get(&window(), "navigator").and_then(|navigator| get(&navigator, "clipboard")) else {
        return false;
    };
    let Some(method) = get(&clipboard, "writeText").and_then(|found| found.dyn_into::<js_sys::Function>().ok()) else {
        return false;
    };
    method.call1(&clipboard, &text.into()).is_ok()
}
