use super::*;
use model::approval::{FactCode, RequestState, VoidCode};
use model::audit::{AuditCode, Outcome};
use model::import::DifferenceCode;
use model::midway::{MidwayState, ToldWord, TraceCode, Way};
use model::notice::NoticeCode;
use model::operation::{Extent, OperationState, StepStatus};
use model::plan::{Action, ConsequenceCode, Intent, Undo};
use model::policy::{Agreement, Demand};
use model::preflight::{CheckGroup, CheckId, FindingCode, Verdict};
use model::problem::ProblemCode;
use model::reading::ReadingCode;
use model::recovery::Gentler;
use model::remedy::RemedyKind;
use model::role::Role;
use model::topology::{Concord, HappeningCode, Health, LinkHealth, Membership};
use model::verify::markdown::ReportWord;
use model::verify::{DisagreementCode, VerifyCode};
use model::wizard::WizardStep;
use std::collections::BTreeSet;

#[test]
fn every_code_has_words_in_both_languages_and_no_word_is_left_over() {
    let wanted = wanted();
    for (language, texts) in TEXTS {
        let tables = texts.map(|text| serde_json::from_str::<Table>(text).expect("a flat table of strings"));
        let [first, rooms] = &tables;
        let twice: Vec<_> = first.keys().filter(|key| rooms.contains_key(*key)).collect();
        assert!(twice.is_empty(), "{language} says twice {twice:?}");
        let table: Table = tables.into_iter().flatten().collect();
        let has: BTreeSet<String> = table.keys().cloned().collect();
        let missing: Vec<_> = wanted.difference(&has).collect();
        let left_over: Vec<_> = has.difference(&wanted).collect();
        assert!(missing.is_empty(), "{language} has no words for {missing:?}");
        assert!(left_over.is_empty(), "{language} has words for nothing: {left_over:?}");
        assert!(table.values().all(|sentence| !sentence.trim().is_empty()), "{language} has an empty sentence");
    }
}

#[test]
fn both_languages_use_the_same_parameters() {
    let [en, fr] = [Known::of(Locale::en), Known::of(Locale::fr)];
    for (key, sentence) in en.first.iter().chain(en.rooms.expect("read")) {
        let other = fr.get(key).expect("the other test says which");
        assert_eq!(slots(sentence), slots(other), "{key}");
        assert_eq!(sentence.matches('[').count(), other.matches('[').count(), "optional parts of {key}");
    }
}

#[test]
fn what_every_page_says_needs_no_room() {
    for text in [EN, FR] {
        let table = read(text);
        for (key, sentence) in &table {
            for slot in slots(sentence) {
                let Some((family, _)) = slot.split_once(':') else { continue };
                let there = table.keys().any(|other| other.starts_with(&format!("{family}_")));
                assert!(there, "{key} needs words of {family}, which are in room_codes.json");
            }
        }
    }
}

#[test]
fn parameters_are_filled_and_missing_ones_leave_no_hole() {
    let table: Table = [("role_operator".to_owned(), "operator".to_owned())].into();
    let params: Params = [("host".to_owned(), "pve03".to_owned()), ("needed".to_owned(), "operator".to_owned())].into();
    assert_eq!(fill(only(&table), "{host} is down[ since {since}].", &params), "pve03 is down.");
    assert_eq!(fill(only(&table), "[{host}: ]the role {role:needed}", &params), "pve03: the role operator");
    assert_eq!(fill(only(&table), "{role:host}", &params), "pve03", "a code without words is shown as it is");
    assert_eq!(fill(only(&table), "an open [ stays", &params), "an open [ stays");
}

#[test]
fn what_a_machine_said_is_not_read_as_a_template() {
    let params: Params = [("line".to_owned(), "{host} [x]".to_owned())].into();
    assert_eq!(fill(only(&Table::new()), "it says {line}", &params), "it says {host} [x]");
}

#[test]
fn a_code_without_words_is_shown_as_it_is() {
    assert_eq!(plain(Locale::fr, "problem", "from_the_future"), "from_the_future");
}

fn only(table: &Table) -> Known<'_> {
    Known { first: table, rooms: None }
}

/// Language -> its tables.
const TEXTS: [(&str, [&str; 2]); 2] = [
    ("en", [EN, include_str!("../../locales/en/room_codes.json")]),
    ("fr", [FR, include_str!("../../locales/fr/room_codes.json")]),
];

/// Words that belong to no list of the model: places of messages, states of a log-in, demands of the policy, faults of the demo, answers of a probe.
const OTHERS: &[&str] = &[
    "agreed_alone",
    "intent_policy",
    "answer_refused",
    "answer_timeout",
    "fault_kill",
    "fault_freeze",
    "fault_cut_link",
    "fault_skew_clock",
    "fault_change_host_key",
    "fault_garbage",
    "fault_hang_commands",
    "fault_stop_corosync",
    "fault_stop_pmxcfs",
    "fault_break_hosts",
    "fault_add_guest",
    "fault_block_udp",
    "fault_stop_qnetd",
    "fault_drop_connections",
    "fault_cut_one_way",
    "fault_cut_one_way_in",
    "fault_loss",
    "fault_delay",
    "fault_mtu",
    "fault_stop_sshd",
    "fault_change_authkey",
    "fault_raise_config_version",
    "fault_fill_disk",
    "fault_expect_votes",
    "fault_power_cycle",
    "fault_leave_authkey",
    "fault_enable_firewall",
    "fault_lose_rsa_key",
    "fault_remove_chrony",
    "fault_time_zone",
    "unmet_reason",
    "unmet_typed_target",
    "unmet_fresh_sign_in",
    "unmet_second_factor",
    "unmet_agreement",
    "log_in_key_unconfirmed",
    "log_in_key_changed",
    "log_in_needs_key",
    "log_in_works",
    "log_in_fails",
    "place_webhook",
    "place_mail",
];

fn wanted() -> BTreeSet<String> {
    let mut keys: BTreeSet<String> = OTHERS.iter().map(|key| (*key).to_owned()).collect();
    let mut add = |family: &str, words: Vec<&str>| {
        keys.extend(words.into_iter().map(|word| format!("{family}_{}", word.replace('-', "_"))))
    };
    add("problem", ProblemCode::ALL.iter().map(|code| code.as_str()).collect());
    add("finding", FindingCode::ALL.iter().map(|code| code.as_str()).collect());
    add("audit", AuditCode::ALL.iter().map(|code| code.as_str()).collect());
    add("happening", HappeningCode::ALL.iter().map(|code| code.as_str()).collect());
    add("consequence", ConsequenceCode::ALL.iter().map(|code| code.as_str()).collect());
    add("verify", VerifyCode::ALL.iter().map(|code| code.as_str()).collect());
    add("difference", DifferenceCode::ALL.iter().map(|code| code.as_str()).collect());
    add("disagreement", DisagreementCode::ALL.iter().map(|code| code.as_str()).collect());
    add("report", ReportWord::ALL.iter().map(|word| word.as_str()).collect());
    add("reading", ReadingCode::ALL.iter().map(|code| code.as_str()).collect());
    add("gentler", Gentler::ALL.iter().map(|way| way.as_str()).collect());
    add("midway", MidwayState::ALL.iter().map(|state| state.as_str()).collect());
    add("trace", TraceCode::ALL.iter().map(|code| code.as_str()).collect());
    add("told", ToldWord::ALL.iter().map(|word| word.as_str()).collect());
    add("way", Way::ALL.iter().map(|way| way.as_str()).collect());
    add("void", VoidCode::ALL.iter().map(|code| code.as_str()).collect());
    add("fact", FactCode::ALL.iter().map(|code| code.as_str()).collect());
    add("request", RequestState::WORDS.to_vec());
    add("agreement", Agreement::WORDS.to_vec());
    add("demand", Demand::WORDS.to_vec());
    add("undo", Undo::WORDS.to_vec());
    add("action", Action::WORDS.to_vec());
    add("intent", Intent::WORDS.to_vec());
    add("operation", OperationState::WORDS.to_vec());
    add("notice", NoticeCode::ALL.iter().map(|code| code.as_str()).collect());
    add("subject", NoticeCode::ALL.iter().map(|code| code.as_str()).collect());
    add("left", Extent::WORDS.to_vec());
    add("step", StepStatus::WORDS.to_vec());
    add("health", Health::WORDS.to_vec());
    add("membership", Membership::WORDS.to_vec());
    add("concord", Concord::WORDS.to_vec());
    add("link", LinkHealth::WORDS.to_vec());
    add("verdict", Verdict::WORDS.to_vec());
    add("detail", model::audit::DETAILS.to_vec());
    add("outcome", Outcome::WORDS.to_vec());
    add("segment", model::segment::SegmentFault::ALL.iter().map(|fault| fault.as_str()).collect());
    add("role", Role::ALL.iter().map(|role| role.as_str()).collect());
    add("remedy", RemedyKind::ALL.iter().map(|kind| kind.as_str()).collect());
    add("risk", vec!["read-only", "reversible", "disruptive", "destructive"]);
    add("wizard", WizardStep::ALL.iter().map(|step| step.word()).collect());
    add("group", CheckGroup::ALL.iter().map(|group| group.as_str()).collect());
    for check in CheckId::ALL {
        for end in ["", "_why", "_source"] {
            keys.insert(format!("check_{}{end}", check.as_str()));
        }
    }
    keys
}

fn slots(sentence: &str) -> BTreeSet<String> {
    sentence.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(slot, _)| slot.to_owned()).collect()
}
