//! A cluster without quorum, at night: what every node says now, the ways that write nobody off, and the last one.

mod absent;

use crate::api::{self, ApiResult, Reading, Wish, WizardView};
use crate::components::{Age, Button, Card, FactRow, Lines, Message, Notice, PageTitle, Tone};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, wizard_in_address};
use crate::pages::wizard::context::Wizard;
use crate::pages::wizard::runner::Planning;
use crate::reactive::{derived, memo, part};
use crate::state::clock::use_clock;
use crate::words::use_words;
use absent::AbsentNode;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::ids::OperationId;
use model::observation::Evidence;
use model::problem::ProblemCode;
use model::recovery::{AGE_RECOVERY, ATTESTATION_MIN_CHARS, Recovery};
use std::collections::BTreeMap;

/// `/clusters/:id/quorum`
#[component]
pub fn RecoverPage() -> impl IntoView {
    let first = wizard_in_address();
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: WizardView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::open(view);
    Around::is_about(&wizard.name(), wizard.live);
    Around::is_called(move || said!(i18n, recover.title).to_owned());
    let looking = Looking::new();
    let id = wizard.id;
    let seen: Reading<ApiResult<Recovery>> = api::reading(move || looking.times.get(), move |_| api::recovery(id));
    let look = Callback::new(move |()| looking.again());
    view! {
        <PageTitle text=text!(i18n, recover.title_of, name = wizard.name())/>
        <div class="stack wizard">
            <Message tone=Tone::Look><p>{word!(i18n, recover.what)}</p></Message>
            <div class="row"><Button on_press=look>{word!(i18n, recover.look_again)}</Button></div>
            <Loaded resource=seen view=move |seen| view! { <Seen seen looking/> }/>
        </div>
    }
    .into_any()
}

/// What outlives a look at the nodes: whether one is under way, and what a person has typed about each node.
#[derive(Clone, Copy)]
struct Looking {
    times: RwSignal<u32>,
    under_way: RwSignal<bool>,
    accounts: StoredValue<BTreeMap<String, ArcRwSignal<String>>>,
}

impl Looking {
    fn new() -> Self {
        let (times, under_way) = (RwSignal::new(0), RwSignal::new(false));
        Self { times, under_way, accounts: StoredValue::new(BTreeMap::new()) }
    }

    /// Asks the nodes again.
    fn again(self) {
        self.under_way.set(true);
        self.times.update(|times| *times += 1);
    }

    fn account(self, node: &str) -> RwSignal<String> {
        let mut all = self.accounts.write_value();
        all.entry(node.to_owned()).or_insert_with(|| ArcRwSignal::new(String::new())).clone().into()
    }
}

#[component]
fn Seen(seen: Recovery, looking: Looking) -> impl IntoView {
    if looking.under_way.get_untracked() {
        looking.under_way.set(false);
    }
    let i18n = use_i18n();
    let clock = use_clock();
    let navigate = use_navigate();
    let told = StoredValue::new(seen.clone());
    let too_old = memo(move |_| told.with_value(|seen| seen.is_too_old(clock.now())));
    let at = seen.at;
    let votes = seen.votes();
    let obstacles = seen.obstacles();
    let possible = obstacles.is_empty() && !seen.absent.is_empty();
    // That the side has quorum its own card says, and as good news.
    let others = obstacles.into_iter().filter(|problem| problem.code != ProblemCode::ExpectedNotNeeded);
    let problems = others.map(|problem| view! { <Notice problem/> }).collect_view();
    let accounts: Vec<(String, RwSignal<String>)> =
        seen.absent.iter().map(|node| (node.name.clone(), looking.account(&node.name))).collect();
    let typed = StoredValue::new(accounts.clone());
    // What a BMC has proven nobody has to attest.
    let proven = seen.absent.iter().filter(|node| node.read_off().is_some());
    let missing = missing_account(proven.map(|node| node.name.clone()).collect(), typed);
    let why = derived(move || {
        // Its answer would take a plan away that was made of the one before.
        if looking.under_way.get() {
            return Some(said!(i18n, recover.looking).to_owned());
        }
        missing().map(|node| said!(i18n, recover.account_missing, node = node, min = ATTESTATION_MIN_CHARS).to_string())
    });
    let wish = derived(move || {
        let all = typed.with_value(|all| all.iter().map(|(name, how)| (name.clone(), how.get())).collect());
        Some(Wish::Expected { accounts: all })
    });
    let nodes = seen.absent.iter().cloned().zip(accounts);
    let disarmed = seen.ha_disarmed;
    let absent = nodes
        .map(|(node, (_, how))| view! { <AbsentNode node at how asked=possible disarmed looking/> })
        .collect_view();
    let nobody = seen.absent.is_empty();
    let started =
        Callback::new(move |id: OperationId| navigate(&format!("/operations/{id}"), NavigateOptions::default()));
    view! {
        <Now seen=seen.clone()/>
        {problems}
        <Gentler seen/>
        {(!nobody).then(|| view! {
            <Card title=text!(i18n, recover.absent)><ul class="wizard-nodes">{absent}</ul></Card>
        })}
        {possible.then(|| view! {
            <Card title=text!(i18n, recover.last_way)>
                <div class="stack">
                    <p>{text!(i18n, recover.last_way_text, votes = votes)}</p>
                    <Planning wish why label=text!(i18n, recover.run, votes = votes) on_started=started/>
                    <LookFirst too_old looking/>
                </div>
            </Card>
        })}
    }
    .into_any()
}

/// The first node of which nobody has said yet how they know that it is off.
fn missing_account(
    proven: Vec<String>,
    typed: StoredValue<Vec<(String, RwSignal<String>)>>,
) -> impl Fn() -> Option<String> + Send + Sync + 'static {
    move || {
        let short = |(name, how): &(String, RwSignal<String>)| {
            let needed = !proven.contains(name);
            let short = needed && how.with(|text| text.trim().chars().count() < ATTESTATION_MIN_CHARS);
            short.then(|| name.clone())
        };
        typed.with_value(|all| all.iter().find_map(short))
    }
}

/// The way on from a look that has grown too old, where it is missed.
#[component]
fn LookFirst(too_old: Memo<bool>, looking: Looking) -> impl IntoView {
    let i18n = use_i18n();
    let look = Callback::new(move |()| looking.again());
    part(move || {
        too_old.get().then(|| {
            view! {
                <div class="row">
                    <span class="muted">{word!(i18n, recover.look_first)}</span>
                    <Button busy=looking.under_way on_press=look>{word!(i18n, recover.look_again)}</Button>
                </div>
            }
        })
    })
}

/// What the side with most votes says of itself, and everything that was asked.
#[component]
fn Now(seen: Recovery) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let Recovery { told_at, through_name, members, present_votes, expected_votes, quorum, quorate, evidence, .. } =
        seen;
    let tone = if quorate { Tone::Good } else { Tone::Bad };
    let count = evidence.len();
    let head = if quorate { text!(i18n, recover.quorate) } else { text!(i18n, recover.not_quorate) };
    let aged = memo(move |_| tone.aged(clock.judge(told_at, AGE_RECOVERY)));
    let verdict = part(move || {
        view! { <Message tone=aged.get()><p class="strong">{part(move || head.get())}</p></Message> }
    });
    let age = view! { <Age at=told_at limits=AGE_RECOVERY/> }.into_any();
    view! {
        <Card title=text!(i18n, recover.now) extra=age>
            <div class="stack">
                {verdict}
                <dl class="facts">
                    <FactRow name=text!(i18n, recover.told_by)>{through_name}</FactRow>
                    <FactRow name=text!(i18n, recover.members)><span class="mono">{members.join(", ")}</span></FactRow>
                    <FactRow name=text!(i18n, recover.votes_present)>{present_votes}</FactRow>
                    <FactRow name=text!(i18n, recover.votes_expected)>{expected_votes}</FactRow>
                    <FactRow name=text!(i18n, recover.votes_needed)>{quorum}</FactRow>
                </dl>
                <details>
                    <summary>{text!(i18n, recover.asked, count = count)}</summary>
                    <div class="stack">{evidence.into_iter().map(|one| view! { <Quoted one/> }).collect_view()}</div>
                </details>
            </div>
        </Card>
    }
    .into_any()
}

/// One answer, word for word.
#[component]
pub fn Quoted(one: Evidence) -> impl IntoView {
    let text: Vec<String> = one.lines.into_iter().map(|line| line.text).collect();
    view! {
        <p class="muted small"><span class="strong">{one.node}</span>" "<code>{one.command}</code>" "{one.at.to_string()}</p>
        <Lines text=text.join("\n")/>
    }
    .into_any()
}

#[component]
fn Gentler(seen: Recovery) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let ways = seen.gentler();
    if ways.is_empty() {
        return ().into_any();
    }
    let lines = ways.into_iter().map(move |way| {
        view! { <li>{part(move || words.say("gentler", way.code.as_str(), &way.params))}</li> }
    });
    view! {
        <Card title=text!(i18n, recover.gentler)>
            <ol>{lines.collect_view()}</ol>
        </Card>
    }
    .into_any()
}
