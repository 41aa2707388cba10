//! Language and theme.

use crate::i18n::*;
use crate::reactive::part;
use crate::state::theme::{self, Theme};
use leptos::prelude::*;

/// Two small switches; both keep the page and everything typed in it.
#[component]
pub fn Switches() -> impl IntoView {
    let i18n = use_i18n();
    let theme = RwSignal::new(theme::current());
    let choose = move |new: Option<Theme>| {
        theme::choose(new);
        theme.set(new);
    };
    let theme_button = move |new: Option<Theme>, icon: &'static str, word: Signal<String>| {
        view! {
            <button type="button" class="tab" aria-pressed=move || (theme.get() == new).to_string() title=move || word.get() on:click=move |_| choose(new)>
                <span aria-hidden="true">{icon}</span>
                <span class="visually-hidden">{part(move || word.get())}</span>
            </button>
        }
    };
    let language_button = move |locale: Locale, short: &'static str, name: &'static str| {
        view! {
            <button
                type="button"
                class="tab"
                lang=locale.to_string()
                aria-pressed=move || (i18n.get_locale() == locale).to_string()
                on:click=move |_| i18n.choose(locale)
            >
                // What is read aloud begins with what is seen.
                {short}<span class="visually-hidden">", "{name}</span>
            </button>
        }
    };
    view! {
        <span class="switches">
            <span class="tabs" role="group" aria-label=move || said!(i18n, common.language)>
                {language_button(Locale::en, "EN", "English")}
                {language_button(Locale::fr, "FR", "Français")}
            </span>
            <span class="tabs" role="group" aria-label=move || said!(i18n, common.theme)>
                {theme_button(None, "◐", text!(i18n, common.theme_system))}
                {theme_button(Some(Theme::Light), "○", text!(i18n, common.theme_light))}
                {theme_button(Some(Theme::Dark), "●", text!(i18n, common.theme_dark))}
            </span>
        </span>
    }
    .into_any()
}
