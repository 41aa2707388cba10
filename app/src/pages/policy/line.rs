//! One line of the table: what a class or an action asks for.

use crate::components::{Badge, Tone, fresh_id};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::policy::{Demand, Policy, Row};
use model::risk::Risk;

/// Which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Class(Risk),
    /// By the word of an intent.
    Action(&'static str),
}

/// The choice that an action has no line of its own.
const AS_CLASS: &str = "as_class";

impl Key {
    fn own(self, policy: &Policy) -> Option<Row> {
        match self {
            Self::Class(risk) => policy.classes.get(&risk).copied(),
            Self::Action(word) => policy.actions.get(word).copied(),
        }
    }

    /// With what the line begins when somebody gives an action one.
    fn row(self, policy: &Policy) -> Row {
        match self {
            Self::Class(risk) => policy.class(risk),
            Self::Action(word) => self.own(policy).unwrap_or_else(|| policy.own_line(word)),
        }
    }

    fn set(self, policy: &mut Policy, row: Option<Row>) {
        let row = row.filter(|row| !matches!(self, Self::Class(risk) if *row == Row::shipped(risk)));
        let _ = match (self, row) {
            (Self::Class(risk), Some(row)) => policy.classes.insert(risk, row),
            (Self::Class(risk), None) => policy.classes.remove(&risk),
            (Self::Action(word), Some(row)) => policy.actions.insert(word.to_owned(), row),
            (Self::Action(word), None) => policy.actions.remove(word),
        };
    }
}

#[component]
pub fn Line(key: Key, draft: RwSignal<Policy>, off: Signal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let name = derived(move || match key {
        Key::Class(risk) => {
            let word = serde_json::to_value(risk).ok().and_then(|value| value.as_str().map(str::to_owned));
            words.plain("risk", &word.unwrap_or_default())
        }
        Key::Action(word) => words.plain("intent", word),
    });
    let own = memo(move |_| draft.with(|policy| key.own(policy)));
    let badge = part(move || own.get().map(|_| view! { <Badge tone=Tone::Act word=text!(i18n, team.differs)/> }));
    let open = memo(move |_| matches!(key, Key::Class(_)) || own.get().is_some());
    let set = move |change: &dyn Fn(&mut Row)| {
        draft.update(|policy| {
            let mut row = key.row(policy);
            change(&mut row);
            key.set(policy, Some(row));
        });
    };
    let row = memo(move |_| draft.with(|policy| key.row(policy)));
    let demands = part(move || {
        open.get().then(|| {
            view! {
                <span class="policy-demands">
                    <Tick word=text!(i18n, team.demand_reason) on=derived(move || row.get().reason) off change=Callback::new(move |on| set(&|row| row.reason = on))/>
                    <Tick word=text!(i18n, team.demand_typed) on=derived(move || row.get().typed_target) off change=Callback::new(move |on| set(&|row| row.typed_target = on))/>
                    <Tick word=text!(i18n, team.demand_fresh) on=derived(move || row.get().fresh_sign_in) off change=Callback::new(move |on| set(&|row| row.fresh_sign_in = on))/>
                    <Tick word=text!(i18n, team.demand_second) on=derived(move || row.get().second_factor) off change=Callback::new(move |on| set(&|row| row.second_factor = on))/>
                </span>
            }
        })
    });
    let chosen = memo(move |_| match (key, own.get()) {
        (Key::Action(_), None) => AS_CLASS,
        _ => row.get().agreement.word(),
    });
    let choose = Callback::new(move |word: String| match Demand::from_word(&word) {
        Some(demand) => set(&|row| row.agreement = demand),
        None => draft.update(|policy| key.set(policy, None)),
    });
    let as_class = matches!(key, Key::Action(_));
    view! {
        <div class="policy-line" role="group" aria-label=move || name.get()>
            <span class="policy-name"><span class="strong">{part(move || name.get())}</span>" "{badge}</span>
            {demands}
            <Who chosen as_class off choose/>
        </div>
    }
    .into_any()
}

/// Who has to agree; an action may also go with its class.
#[component]
fn Who(chosen: Memo<&'static str>, as_class: bool, off: Signal<bool>, choose: Callback<String>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let id = fresh_id();
    let as_class = as_class.then(|| {
        view! { <option value=AS_CLASS selected=move || chosen.get() == AS_CLASS>{word!(i18n, team.as_class)}</option> }
    });
    let options = Demand::ALL
        .into_iter()
        .map(|demand| {
            let word = demand.word();
            view! { <option value=word selected=move || chosen.get() == word>{part(move || words.plain("demand", word))}</option> }
        })
        .collect_view();
    view! {
        <span class="field policy-agreement">
            <label for=id.clone()>{word!(i18n, team.demand_agreement)}</label>
            <select
                id=id
                class="input"
                disabled=move || off.get()
                prop:value=move || chosen.get()
                on:change=move |event| choose.run(event_target_value(&event))
            >
                {as_class}
                {options}
            </select>
        </span>
    }
    .into_any()
}

#[component]
fn Tick(word: Signal<String>, on: Signal<bool>, off: Signal<bool>, change: Callback<bool>) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || on.get()
                disabled=move || off.get()
                on:change=move |event| change.run(event_target_checked(&event))
            />
            <span>{part(move || word.get())}</span>
        </label>
    }
    .into_any()
}
