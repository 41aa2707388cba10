//! Buttons. One that cannot be pressed stays reachable and says why.

use super::id::fresh_id;
use crate::reactive::part;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

/// How a button looks, by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonKind {
    #[default]
    Plain,
    /// The one thing that the page is about.
    Primary,
    /// Destroys; never the default of anything.
    Danger,
    /// Looks like text.
    Quiet,
}

impl ButtonKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button button-primary",
            Self::Danger => "button button-danger",
            Self::Quiet => "button button-quiet",
        }
    }
}

/// A button with the word of what it does.
///
/// `disabled_reason` is a whole sentence: it is read aloud with the button, shown on hover and focus, or always with
/// `show_reason`. While `busy` it cannot be pressed again.
#[component]
pub fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(into, optional)] on_press: Option<Callback<()>>,
    #[prop(into, optional)] disabled_reason: Signal<Option<String>>,
    #[prop(into, optional)] busy: Signal<bool>,
    /// Sends the form that it stands in.
    #[prop(optional)]
    submit: bool,
    /// The reason stands under the button instead of behind it.
    #[prop(optional)]
    show_reason: bool,
    children: Children,
) -> impl IntoView {
    let id = fresh_id();
    let described_by = id.clone();
    let off = move || busy.get() || disabled_reason.with(Option::is_some);
    let press = move |event: MouseEvent| {
        if busy.get_untracked() || disabled_reason.with_untracked(Option::is_some) {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    view! {
        <span class="button-place" class:button-place-open=show_reason>
            <button
                type=if submit { "submit" } else { "button" }
                class=kind.class()
                aria-disabled=move || off().then_some("true")
                aria-busy=move || busy.get().then_some("true")
                aria-describedby=described_by
                on:click=press
            >
                <span class="button-wheel" aria-hidden="true" hidden=move || !busy.get()></span>
                {children()}
            </button>
            <span class="button-reason" id=id role="tooltip" hidden=move || disabled_reason.with(Option::is_none)>
                {part(move || disabled_reason.get())}
            </span>
        </span>
    }
    .into_any()
}
