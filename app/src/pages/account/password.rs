//! Another password for one's own account.

use crate::api::{self, ApiError};
use crate::components::{Button, ButtonKind, Card, Field, Message, Refusal, Tone};
use crate::i18n::*;
use crate::pages::invite::PASSWORD_MIN_CHARS;
use crate::reactive::{derived, part};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

#[component]
pub fn Password() -> impl IntoView {
    let i18n = use_i18n();
    let [old, new, repeated] = [(); 3].map(|()| RwSignal::new(String::new()));
    let done = RwSignal::new(false);
    let change = Action::new(move |(): &()| async move {
        done.set(false);
        let answer = api::change_password(old.get_untracked(), new.get_untracked()).await;
        old.set(String::new());
        if answer.is_ok() {
            new.set(String::new());
            repeated.set(String::new());
            done.set(true);
        }
        answer.err().map(|ApiError(problem)| problem)
    });
    let too_short = move || new.with(|text| text.chars().count() < PASSWORD_MIN_CHARS);
    let differs = move || repeated.with(|again| new.with(|text| again != text));
    let short_text = derived(move || {
        (too_short() && !new.with(String::is_empty)).then(|| said!(i18n, pages.invite_short).to_owned())
    });
    let differs_text = derived(move || {
        (differs() && !repeated.with(String::is_empty)).then(|| said!(i18n, pages.invite_differs).to_owned())
    });
    let missing = derived(move || {
        if old.with(String::is_empty) {
            Some(said!(i18n, team.password_old_missing).to_owned())
        } else if too_short() {
            Some(said!(i18n, pages.invite_short).to_owned())
        } else {
            differs().then(|| said!(i18n, pages.invite_differs).to_owned())
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if missing.with_untracked(Option::is_none) && !change.pending().get_untracked() {
            change.dispatch(());
        }
    };
    let hint = derived(move || Some(said!(i18n, pages.invite_password_hint).to_owned()));
    view! {
        <Card title=text!(i18n, team.password_change)>
            <form class="stack narrow" on:submit=submit>
                <Field label=text!(i18n, team.password_old) value=old kind="password" name="password" autocomplete="current-password"/>
                <Field label=text!(i18n, team.password_new) hint error=short_text value=new kind="password" name="new-password" autocomplete="new-password"/>
                <Field label=text!(i18n, pages.invite_repeat) error=differs_text value=repeated kind="password" name="new-password-again" autocomplete="new-password"/>
                <Refusal problem=derived(move || change.value().get().flatten())/>
                <div role="status">
                    {part(move || done.get().then(|| view! { <Message tone=Tone::Good><p>{word!(i18n, team.password_changed)}</p></Message> }))}
                </div>
                <div class="row">
                    <Button kind=ButtonKind::Primary submit=true busy=change.pending() disabled_reason=missing>{word!(i18n, team.password_change)}</Button>
                </div>
            </form>
        </Card>
    }
    .into_any()
}
