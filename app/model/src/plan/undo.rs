//! How a step could be taken back.

use super::Action;
use serde::{Deserialize, Serialize};

impl Action {
    #[must_use]
    pub const fn undo(&self) -> Undo {
        match self {
            Self::KeepConsoleKey { .. }
            | Self::ShareConsoleKey
            | Self::AuthorizeRootKey { .. }
            | Self::TrustHostKeys { .. } => Undo::RemoveLine,
            Self::MakeRootKey | Self::ForgetRootKey { .. } => Undo::NotNeeded,
            Self::RemoveSharedKey | Self::RemoveConsoleKey { .. } => Undo::InstallAgain,
            Self::CreateCluster { .. } => Undo::SeparateNode,
            Self::JoinCluster { .. } => Undo::RemoveNode,
            Self::SetUpQdevice { .. } | Self::StartQdevice => Undo::QdeviceRemove,
            Self::RemoveQdevice { .. } => Undo::QdeviceSetUp,
            Self::SetExpected { .. } => Undo::MembersReturn,
            Self::ReplaceHosts { .. }
            | Self::SetAsideAuthkey { .. }
            | Self::SetTimeZone { .. }
            | Self::AllowLinks { .. } => Undo::TakeBack,
            Self::RestoreHosts { .. } | Self::PutBackAuthkey { .. } => Undo::RemedyAgain,
            Self::MakeRsaHostKey { .. } | Self::EnableChrony | Self::SetAsideQdeviceStore { .. } => Undo::NotNeeded,
            Self::InstallChrony => Undo::OtherService,
            Self::InstallPackage { .. } => Undo::RemovePackage,
            Self::StepClock | Self::RestartCorosync { .. } | Self::ClearLeftovers => Undo::None,
            Self::PowerOff { .. } => Undo::SwitchOn,
            Self::PowerOn { .. } => Undo::SwitchOff,
            Self::ResumeJoin { .. } | Self::StartMember { .. } => Undo::RemoveNode,
            Self::MakeNodeFiles { .. } => Undo::NotNeeded,
            Self::RegainQuorum { .. } => Undo::MembersReturn,
            Self::StopMember => Undo::StartAgain,
            Self::RemoveUnjoined { .. } | Self::WithdrawRootKey { .. } | Self::StandAlone { .. } => Undo::JoinAgain,
        }
    }
}

/// How a step could be taken back, said before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    NotNeeded,
    RemoveLine,
    /// By importing the cluster again.
    InstallAgain,
    SeparateNode,
    RemoveNode,
    QdeviceRemove,
    QdeviceSetUp,
    /// corosync raises the votes by itself when the members come back.
    MembersReturn,
    /// By a plan that brings back what was there.
    TakeBack,
    /// By running the remedy once more.
    RemedyAgain,
    /// By installing the time service that was there.
    OtherService,
    /// By switching it on; what ran there was cut off all the same.
    SwitchOn,
    SwitchOff,
    /// By removing the package by hand.
    RemovePackage,
    /// By starting both services again.
    StartAgain,
    /// By an ordinary join.
    JoinAgain,
    /// Not at all.
    None,
}

impl Undo {
    pub const WORDS: &'static [&'static str] = &[
        "not_needed",
        "remove_line",
        "install_again",
        "separate_node",
        "remove_node",
        "qdevice_remove",
        "qdevice_set_up",
        "members_return",
        "take_back",
        "remedy_again",
        "other_service",
        "switch_on",
        "switch_off",
        "remove_package",
        "start_again",
        "join_again",
        "none",
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::RemoveLine => "remove_line",
            Self::InstallAgain => "install_again",
            Self::SeparateNode => "separate_node",
            Self::RemoveNode => "remove_node",
            Self::QdeviceRemove => "qdevice_remove",
            Self::QdeviceSetUp => "qdevice_set_up",
            Self::MembersReturn => "members_return",
            Self::TakeBack => "take_back",
            Self::RemedyAgain => "remedy_again",
            Self::OtherService => "other_service",
            Self::SwitchOn => "switch_on",
            Self::SwitchOff => "switch_off",
            Self::RemovePackage => "remove_package",
            Self::StartAgain => "start_again",
            Self::JoinAgain => "join_again",
            Self::None => "none",
        }
    }
}
