//! One run: asked by whom and why, agreed by whom, on whose word, what the votes were, and what has become of them.

use crate::components::{AgreedAnewRow, Badge, Card, FactRow, Lines, Message, Tone, When, short};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::clock::use_clock;
use crate::words::use_words;
use leptos::prelude::*;
use model::Timestamp;
use model::approval::Agreed;
use model::ids::OperationId;
use model::lowering::{AgreedTo, EntryLine, Fate, Lowering, Lowerings, QuorumSeen, Sighting};
use model::plan::Consequence;

/// One run as the page came with it, and as it is told since.
#[component]
pub fn Run(run: Lowering, page: RwSignal<Lowerings>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let id = run.operation;
    let Lowering { cluster_name, node, command, votes, members, asked_by, asked_at, reason, proofs, .. } = run.clone();
    let now = memo(move |_| {
        page.with(|told| told.runs.iter().find(|one| one.operation == id).cloned()).unwrap_or_else(|| run.clone())
    });
    let state = memo(move |_| now.with(|run| run.state.clone()));
    let tone = derived(move || state.with(|state| Tone::from(state)));
    let word = derived(move || state.with(|state| words.plain("operation", state.word())));
    let badge = view! { <Badge tone word/> }.into_any();
    let title = text!(i18n, team.lowered_run, votes = votes, name = cluster_name.clone());
    let agreed = memo(move |_| now.with(|run| (run.agreed.clone(), run.agreed_anew.clone())));
    let agreement = part(move || {
        let (agreed, anew) = agreed.get();
        view! { <Agreement agreed/><AgreedAnewRow anew/> }
    });
    // Each by itself: what somebody has unfolded is made anew only when it says something else.
    let before = memo(move |_| now.with(|run| run.before.clone()));
    let after = memo(move |_| now.with(|run| run.after.clone()));
    let entries = memo(move |_| now.with(|run| run.entries.clone()));
    view! {
        <Card title extra=badge>
            <div class="stack">
                <Became fate=memo(move |_| now.with(|run| run.fate.clone()))/>
                <dl class="facts">
                    <FactRow name=text!(i18n, team.asked_by)><p>{asked_by}" · "<When at=asked_at/></p></FactRow>
                    <FactRow name=text!(i18n, pages.column_why)><p class="quoted">{reason}</p></FactRow>
                    {agreement}
                    <FactRow name=text!(i18n, team.lowered_command)><code>{command}</code>" · "{node}</FactRow>
                    <FactRow name=text!(i18n, team.lowered_side)><span class="mono">{members.join(", ")}</span></FactRow>
                    <FactRow name=text!(i18n, team.lowered_before)>{part(move || view! { <Quorum seen=before.get()/> })}</FactRow>
                    {part(move || before.get().map(|seen| view! { <Silence seen/> }))}
                    <FactRow name=text!(i18n, team.lowered_after)>{part(move || view! { <Quorum seen=after.get()/> })}</FactRow>
                </dl>
                <Proofs proofs/>
                {part(move || view! { <Entries operation=id entries=entries.get()/> })}
            </div>
        </Card>
    }
    .into_any()
}

/// The first line of the answer: are the votes lowered now?
#[component]
fn Became(fate: Memo<Fate>) -> impl IntoView {
    let clock = use_clock();
    let known = memo(move |_| fate.with(|fate| fate.is_seen(clock.now())));
    part(move || {
        let (fate, known) = (fate.get(), known.get());
        let (tone, alarmed) = match &fate {
            Fate::Underway => (Tone::Act, None),
            Fate::Never => (Tone::Plain, None),
            Fate::Unclear { .. } => (Tone::Unknown, None),
            Fate::Lowered { alarmed, .. } if known => (Tone::Bad, *alarmed),
            Fate::Lowered { alarmed, .. } => (Tone::Unknown, *alarmed),
            Fate::Restored { quorate: Some(false), alarmed, .. } => (Tone::Look, *alarmed),
            Fate::Restored { alarmed, .. } => (Tone::Good, *alarmed),
        };
        view! { <Message tone><Words fate known/><Alarm alarmed/></Message> }
    })
}

/// That it took too long is not forgotten.
#[component]
fn Alarm(alarmed: Option<Timestamp>) -> impl IntoView {
    let i18n = use_i18n();
    alarmed.map(|at| view! { <p>{word!(i18n, team.lowered_alarm)}" "<When at/></p> }).into_any()
}

#[component]
fn Words(
    fate: Fate,
    /// A node has told a moment ago that they are lowered.
    known: bool,
) -> impl IntoView {
    let i18n = use_i18n();
    match fate {
        Fate::Underway => view! { <p>{word!(i18n, team.lowered_underway)}</p> }.into_any(),
        Fate::Never => view! { <p>{word!(i18n, team.lowered_never)}</p> }.into_any(),
        Fate::Unclear { since } => view! { <p>{word!(i18n, team.lowered_unclear)}" "<When at=since/></p> }.into_any(),
        Fate::Lowered { since, watched, seen, .. } => {
            let blind = (!watched).then(|| view! { <p>{word!(i18n, team.lowered_unwatched)}</p> });
            if known {
                let still = view! { <p class="strong">{word!(i18n, team.lowered_still)}" "<When at=since/>" · "<SoFar since/></p> };
                return view! { {still}{blind} }.into_any();
            }
            let last = seen.map(|Sighting { node, at }| {
                view! { <p>{word!(i18n, team.lowered_last_seen, node = node.clone())}" "<When at/></p> }
            });
            view! {
                <p class="strong">{word!(i18n, team.lowered_unknown)}" "<When at=since/></p>
                {last}
                {blind}
            }
            .into_any()
        }
        Fate::Restored { since, at, expected, quorate, returned, .. } => {
            let long = short(at.duration_since(since).as_secs().max(0));
            let lost = quorate == Some(false);
            let lost = lost.then(|| view! { <p class="strong">{word!(i18n, team.lowered_lost)}</p> });
            view! {
                <p class="strong">{word!(i18n, team.lowered_restored, long = long.clone())}" "<When at/></p>
                {lost}
                <RaisedBy expected returned/>
            }
            .into_any()
        }
    }
}

/// What raised them: who came back, or somebody's hand, or corosync itself.
#[component]
fn RaisedBy(expected: Option<u32>, returned: Vec<String>) -> impl IntoView {
    let i18n = use_i18n();
    let votes = expected.map_or_else(|| "?".to_owned(), |votes| votes.to_string());
    let by_hand = returned.is_empty();
    let names = returned.join(", ");
    let by = derived(move || {
        if by_hand {
            said!(i18n, team.lowered_by_hand, votes = votes.clone()).to_string()
        } else {
            said!(i18n, team.lowered_returned, nodes = names.clone(), votes = votes.clone()).to_string()
        }
    });
    view! { <p>{part(move || by.get())}</p> }.into_any()
}

/// On whose silence it went on, as it was written down before the command.
#[component]
fn Silence(seen: QuorumSeen) -> impl IntoView {
    let i18n = use_i18n();
    let QuorumSeen { silent_to, unasked, .. } = seen;
    let shown = |text: String| Some(text).filter(|text| !text.is_empty());
    let silent = shown(silent_to).map(
        |text| view! { <FactRow name=text!(i18n, team.lowered_silent)><span class="mono">{text}</span></FactRow> },
    );
    let unasked = shown(unasked).map(
        |text| view! { <FactRow name=text!(i18n, team.lowered_unasked)><span class="mono">{text}</span></FactRow> },
    );
    view! { {silent}{unasked} }.into_any()
}

/// For how long by now.
#[component]
fn SoFar(since: Timestamp) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    part(move || said!(i18n, team.lowered_for, long = short(clock.age_s(since))).to_string())
}

/// Who agreed, or that nobody did and who has looked at it since.
#[component]
fn Agreement(agreed: Option<AgreedTo>) -> impl IntoView {
    let i18n = use_i18n();
    let Some(AgreedTo { request, agreed, review, .. }) = agreed else {
        return view! { <FactRow name=text!(i18n, team.agreed)>{word!(i18n, team.lowered_nobody_asked)}</FactRow> }
            .into_any();
    };
    let to = format!("/approvals/{request}");
    let link = view! { <a href=to>{word!(i18n, pages.to_request)}</a> };
    match agreed {
        Agreed::By { by, at, comment } => {
            let said = (!comment.is_empty()).then(|| view! { <p class="quoted">{comment}</p> });
            view! {
                <FactRow name=text!(i18n, team.approved_by)><p>{by}" · "<When at/>" · "{link}</p>{said}</FactRow>
            }
            .into_any()
        }
        Agreed::Alone { since } => {
            let looked = match review {
                Some(one) => view! {
                    <FactRow name=text!(i18n, team.reviewed_by)>
                        <p>{one.by}" · "<When at=one.at/></p><p class="quoted">{one.comment}</p>
                    </FactRow>
                }
                .into_any(),
                None => view! {
                    <FactRow name=text!(i18n, team.reviewed_by)>
                        <span class="text-look">"▲ "{word!(i18n, team.lowered_not_reviewed)}</span>
                    </FactRow>
                }
                .into_any(),
            };
            view! {
                <FactRow name=text!(i18n, team.agreed)>
                    <p class="text-bad">"✕ "{word!(i18n, team.lowered_glass)}" · "<When at=since/>" · "{link}</p>
                </FactRow>
                {looked}
            }
            .into_any()
        }
    }
}

/// What the node said at that moment, with its own words behind it.
#[component]
fn Quorum(seen: Option<QuorumSeen>) -> impl IntoView {
    let i18n = use_i18n();
    let Some(QuorumSeen { at, entry, quorate, expected, votes, quorum, members, printed, .. }) = seen else {
        return view! { <span class="text-unknown">"? "{word!(i18n, team.lowered_not_seen)}</span> }.into_any();
    };
    let (class, icon) = if quorate { ("text-good", "✓ ") } else { ("text-bad", "✕ ") };
    let head = if quorate { text!(i18n, pages.quorate) } else { text!(i18n, pages.not_quorate) };
    view! {
        <p>
            <span class=class>{icon}{part(move || head.get())}</span>" · "
            {word!(i18n, team.lowered_votes, votes = votes, expected = expected, quorum = quorum)}" · "
            <span class="mono">{members}</span>" · "<When at/>
        </p>
        <details>
            <summary>{word!(i18n, pages.entry, index = entry)}</summary>
            <Lines text=printed/>
        </details>
    }
    .into_any()
}

#[component]
fn Proofs(proofs: Vec<Consequence>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let lines = proofs.into_iter().map(move |one| {
        view! { <li>{part(move || words.say("consequence", one.code.as_str(), &one.params))}</li> }
    });
    view! {
        <h3>{word!(i18n, team.lowered_proofs)}</h3>
        <ul class="bullets">{lines.collect_view()}</ul>
    }
    .into_any()
}

/// Where it stands, word for word.
#[component]
fn Entries(operation: OperationId, entries: Vec<EntryLine>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let count = entries.len();
    let lines = entries.into_iter().map(move |one| {
        // The page of the list that begins with this entry.
        let to = format!("/audit?operation={operation}&before={}", one.index.saturating_add(1));
        let (code, outcome) = (one.code, one.outcome);
        view! {
            <li>
                <a href=to>{word!(i18n, pages.entry, index = one.index)}</a>" · "<When at=one.at/>" · "
                {part(move || words.plain("audit", code.as_str()))}" · "{part(move || words.plain("outcome", outcome.word()))}" · "{one.who}
            </li>
        }
    });
    view! {
        <p class="row"><a href=format!("/operations/{operation}")>{word!(i18n, team.to_operation)}</a></p>
        <details>
            <summary>{word!(i18n, team.lowered_entries, count = count)}</summary>
            <ol class="bullets">{lines.collect_view()}</ol>
        </details>
    }
    .into_any()
}
