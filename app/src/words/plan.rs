//! A plan in words: on its sheet, and as the comments of its script.

#[cfg(feature = "ssr")]
mod spoken;

#[cfg(feature = "ssr")]
pub use spoken::spoken;

use crate::i18n::{Locale, td_string};
use model::plan::Action;
use model::risk::Risk;

/// The code of a risk in the tables of words.
#[must_use]
pub const fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::ReadOnly => "read_only",
        Risk::Reversible => "reversible",
        Risk::Disruptive => "disruptive",
        Risk::Destructive => "destructive",
    }
}

/// What is looked at after a step before it counts.
#[must_use]
pub fn proof(locale: Locale, action: &Action) -> String {
    match action {
        Action::KeepConsoleKey { .. } | Action::ShareConsoleKey | Action::AuthorizeRootKey { .. } => {
            td_string!(locale, wizard.proof_line).to_owned()
        }
        Action::CreateCluster { name, .. } => {
            td_string!(locale, wizard.proof_create, name = name.to_string()).to_string()
        }
        Action::MakeRootKey => td_string!(locale, wizard.proof_root_key).to_owned(),
        Action::TrustHostKeys { of_name, address, .. } => {
            let address = address.to_string();
            td_string!(locale, wizard.proof_host_keys, name = of_name.clone(), address = address).to_string()
        }
        Action::JoinCluster { name, member_name, .. } => {
            td_string!(locale, wizard.proof_join, name = name.clone(), member = member_name.clone()).to_string()
        }
        Action::SetUpQdevice { votes_before, .. } => {
            td_string!(locale, wizard.proof_qdevice, before = *votes_before).to_string()
        }
        Action::RemoveQdevice { votes_after } => {
            td_string!(locale, wizard.proof_qdevice_gone, votes = *votes_after).to_string()
        }
        // A QDevice that casts no vote is expected all the same.
        Action::SetExpected { votes, expected, .. } => {
            td_string!(locale, wizard.proof_expected, votes = expected.unwrap_or(*votes)).to_string()
        }
        Action::ClearLeftovers => td_string!(locale, import.proof_cleared).to_owned(),
        Action::RemoveConsoleKey { .. } => td_string!(locale, import.proof_refused).to_owned(),
        Action::ForgetRootKey { .. } | Action::RemoveSharedKey => td_string!(locale, wizard.proof_gone).to_owned(),
        remedy => proof_of_remedy(locale, remedy),
    }
}

fn proof_of_remedy(locale: Locale, action: &Action) -> String {
    match action {
        Action::ReplaceHosts { name, address, .. } => {
            td_string!(locale, wizard.proof_hosts, name = name.clone(), address = address.to_string()).to_string()
        }
        Action::RestoreHosts { .. } => td_string!(locale, wizard.proof_hosts_back).to_owned(),
        Action::SetAsideAuthkey { .. } => td_string!(locale, wizard.proof_aside).to_owned(),
        Action::SetAsideQdeviceStore { .. } => td_string!(locale, wizard.proof_store_aside).to_owned(),
        Action::StartQdevice => td_string!(locale, wizard.proof_qdevice_started).to_owned(),
        Action::PutBackAuthkey { .. } => td_string!(locale, wizard.proof_back).to_owned(),
        Action::SetTimeZone { to, .. } => td_string!(locale, wizard.proof_zone, zone = to.to_string()).to_string(),
        Action::MakeRsaHostKey { .. } => td_string!(locale, wizard.proof_rsa).to_owned(),
        Action::AllowLinks { .. } => td_string!(locale, wizard.proof_rules).to_owned(),
        Action::InstallChrony => td_string!(locale, wizard.proof_installed).to_owned(),
        Action::InstallPackage { package } => {
            td_string!(locale, wizard.proof_package, package = package.name()).to_string()
        }
        Action::EnableChrony => td_string!(locale, wizard.proof_chrony).to_owned(),
        Action::StepClock => td_string!(locale, wizard.proof_clock).to_owned(),
        Action::PowerOff { .. } => td_string!(locale, recover.power_proof_off).to_owned(),
        Action::PowerOn { .. } => td_string!(locale, recover.power_proof_on).to_owned(),
        other => proof_of_midway(locale, other),
    }
}

fn proof_of_midway(locale: Locale, action: &Action) -> String {
    match action {
        Action::ResumeJoin { name, member_name, .. } => {
            td_string!(locale, wizard.proof_join, name = name.clone(), member = member_name.clone()).to_string()
        }
        Action::StartMember { name, member_name, .. } => {
            td_string!(locale, wizard.proof_start, name = name.clone(), member = member_name.clone()).to_string()
        }
        Action::MakeNodeFiles { .. } => td_string!(locale, wizard.proof_node_files).to_owned(),
        Action::StopMember => td_string!(locale, wizard.proof_stopped).to_owned(),
        Action::RegainQuorum { votes, .. } => td_string!(locale, wizard.proof_regained, votes = *votes).to_string(),
        Action::RemoveUnjoined { name, .. } => {
            td_string!(locale, wizard.proof_unlisted, name = name.clone()).to_string()
        }
        Action::WithdrawRootKey { .. } => td_string!(locale, wizard.proof_gone).to_owned(),
        Action::StandAlone { .. } => td_string!(locale, wizard.proof_alone).to_owned(),
        _ => String::new(),
    }
}
