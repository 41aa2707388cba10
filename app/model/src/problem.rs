//! Everything that can be wrong, as a code with parameters; the words are in the locale files.

mod faults;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word: key of the locale files, never reused for another meaning.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the word that `as_str` writes.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == word)
            }
        }
    };
}
pub(crate) use codes;

codes!(
    /// Codes of refusals and errors. Each has its text in every locale under `problem_CODE`.
    ProblemCode {
        // Sign-in and rights
        NotSignedIn => "not_signed_in",
        WrongCredentials => "wrong_credentials",
        TooManyAttempts => "too_many_attempts",
        InviteInvalid => "invite_invalid",
        PasswordTooShort => "password_too_short",
        UserNameInvalid => "user_name_invalid",
        UserNameTaken => "user_name_taken",
        RoleTooLow => "role_too_low",
        SecondFactorNeeded => "second_factor_needed",
        SecondFactorWrong => "second_factor_wrong",
        SecondFactorPresent => "second_factor_present",
        SecondFactorAbsent => "second_factor_absent",
        SecondFactorOwn => "second_factor_own",
        LastAdmin => "last_admin",
        // Input
        NameEmpty => "name_empty",
        NameTooLong => "name_too_long",
        NameCharacter => "name_character",
        NameHyphen => "name_hyphen",
        HostEmpty => "host_empty",
        HostInvalid => "host_invalid",
        PortInvalid => "port_invalid",
        SshUserInvalid => "ssh_user_invalid",
        AddressInvalid => "address_invalid",
        NotFound => "not_found",
        FilterName => "filter_name",
        FiltersFull => "filters_full",
        /// `count`, `max`: words of a question to the audit.
        FilterWords => "filter_words",
        /// Outputs are looked through within a period alone.
        FilterPeriod => "filter_period",
        ArchiveUnread => "archive_unread",
        // Quorum recovery
        ExpectedNotNeeded => "expected_not_needed",
        ExpectedDisputed => "expected_disputed",
        ExpectedRefused => "expected_refused",
        AbsentAnswers => "absent_answers",
        /// `node`, `members`, `expected`: another side has quorum.
        QuorateElsewhere => "quorate_elsewhere",
        /// `node`: pmxcfs does not run, or its files are not mounted.
        PmxcfsDown => "pmxcfs_down",
        /// `node`: it runs, and its files do not answer.
        PmxcfsHangs => "pmxcfs_hangs",
        AttestationMissing => "attestation_missing",
        /// `nodes`: corosync runs there with another nodelist or QDevice than its corosync.conf has.
        ConfNotRead => "conf_not_read",
        /// `node`, `version`: the newest corosync.conf has it no more, and its corosync still runs.
        NodeRemoved => "node_removed",
        /// `votes`, `expected`, `quorum`, `device`: its votes are expected while it casts none.
        QdeviceKeepsBlocked => "qdevice_keeps_blocked",
        /// `votes`, `expected`, `device`.
        WaitsForAllVotes => "waits_for_all_votes",
        /// `switch`: a key of corosync.conf with which the expected votes never fall.
        ExpectedTracked => "expected_tracked",
        NoVotesHere => "no_votes_here",
        // Power from outside
        BmcMissing => "bmc_missing",
        BmcUserInvalid => "bmc_user_invalid",
        BmcPasswordInvalid => "bmc_password_invalid",
        BmcCipherInvalid => "bmc_cipher_invalid",
        BmcVmidInvalid => "bmc_vmid_invalid",
        BmcDomainInvalid => "bmc_domain_invalid",
        BmcOuterInvalid => "bmc_outer_invalid",
        BmcRefused => "bmc_refused",
        BmcUnreachable => "bmc_unreachable",
        BmcAgentMissing => "bmc_agent_missing",
        BmcUnclear => "bmc_unclear",
        BmcNoUuid => "bmc_no_uuid",
        BmcNotBound => "bmc_not_bound",
        BmcDiffers => "bmc_differs",
        /// `node`, `uuid`, `other`, `cluster`.
        BmcUuidShared => "bmc_uuid_shared",
        BmcNotAsked => "bmc_not_asked",
        BmcSaysOn => "bmc_says_on",
        /// `node`.
        AbsentNotAsked => "absent_not_asked",
        /// `host`, `node`: a name in corosync.conf that leads to no address there.
        NameUnresolved => "name_unresolved",
        /// `node`.
        PowerTurned => "power_turned",
        /// `by`.
        StopNotYours => "stop_not_yours",
        /// `by`, `minutes`, `needed`.
        AgreementOld => "agreement_old",
        /// `by`, `needed`.
        PolicyStricter => "policy_stricter",
        PolicyMoved => "policy_moved",
        /// `nodes`, `seconds`.
        FenceWindow => "fence_window",
        // Restarting corosync
        /// `node`, `votes`, `quorum`.
        RestartCostsQuorum => "restart_costs_quorum",
        /// `node`, `version`, `other`, `other_version`.
        ConfigurationsDiffer => "configurations_differ",
        // Reaching a node
        Unreachable => "unreachable",
        ConnectionRefused => "connection_refused",
        NotSsh => "not_ssh",
        NoCommonAlgorithm => "no_common_algorithm",
        HostKeyUnknown => "host_key_unknown",
        HostKeyChanged => "host_key_changed",
        HostKeyOther => "host_key_other",
        KeyRefused => "key_refused",
        PasswordRefused => "password_refused",
        NotRoot => "not_root",
        NodeHangs => "node_hangs",
        OutputTooLong => "output_too_long",
        ConnectionLost => "connection_lost",
        Garbage => "garbage",
        CommandFailed => "command_failed",
        /// `node`.
        CorosyncDown => "corosync_down",
        /// `node`, `what`: a program or file that some machines do not have.
        NotOnThisMachine => "not_on_this_machine",
        NodeAlreadyAdded => "node_already_added",
        // Reaching a node through another machine
        JumpUnreachable => "jump_unreachable",
        JumpKeyUnknown => "jump_key_unknown",
        JumpKeyChanged => "jump_key_changed",
        JumpRefused => "jump_refused",
        JumpForbids => "jump_forbids",
        UnreachableBehind => "unreachable_behind",
        JumpInUse => "jump_in_use",
        JumpChained => "jump_chained",
        // Import and withdrawal
        ClusterKnown => "cluster_known",
        NoWayIn => "no_way_in",
        /// `node`: not in the list, or no host key of it was ever confirmed.
        NoWayToIt => "no_way_to_it",
        NotTheMember => "not_the_member",
        NotAMember => "not_a_member",
        /// `node`: nobody tells of the cluster's configuration now.
        MembershipUnknown => "membership_unknown",
        KeyNotShared => "key_not_shared",
        KeyStillAccepted => "key_still_accepted",
        // Building a cluster
        ChecksNotPassed => "checks_not_passed",
        ChecksStale => "checks_stale",
        /// `nodes`: they are in the draft and not in the cluster.
        NodesNotJoined => "nodes_not_joined",
        LinksIncomplete => "links_incomplete",
        LinkNotLocal => "link_not_local",
        LinkAddressTwice => "link_address_twice",
        LinksFixed => "links_fixed",
        /// `by`.
        MeasuringAlready => "measuring_already",
        NotInCluster => "not_in_cluster",
        InOtherCluster => "in_other_cluster",
        LeftoverAuthkey => "leftover_authkey",
        LeftoverConfig => "leftover_config",
        GuestsOnJoiner => "guests_on_joiner",
        NameInCluster => "name_in_cluster",
        ClusterNameTaken => "cluster_name_taken",
        NotANode => "not_a_node",
        NotAQnetdHost => "not_a_qnetd_host",
        AddressInCluster => "address_in_cluster",
        NameChanged => "name_changed",
        NameLeftover => "name_leftover",
        VersionsApart => "versions_apart",
        ClusterNotQuorate => "cluster_not_quorate",
        MembersOffline => "members_offline",
        KeyFileShared => "key_file_shared",
        NoRsaHostKey => "no_rsa_host_key",
        JoinRefused => "join_refused",
        JoinHalfway => "join_halfway",
        /// `node`, `state`.
        JoinNoSuchWay => "join_no_such_way",
        /// `node`.
        WasAMember => "was_a_member",
        /// `node`.
        DatabaseInPlace => "database_in_place",
        CreateHalfway => "create_halfway",
        QdeviceHalfway => "qdevice_halfway",
        /// `host`: the set-up ended before the device was in the configuration.
        QdeviceNotConfigured => "qdevice_not_configured",
        /// `host`: there is nothing to start.
        QdeviceRunsEverywhere => "qdevice_runs_everywhere",
        /// `member`, `version`, `other`, `other_version`: members that do not have one configuration.
        JoinConfigurationsDiffer => "join_configurations_differ",
        /// `switch`: a key of the `quorum` block that no QDevice works beside.
        QdeviceSwitchSet => "qdevice_switch_set",
        /// `node`: its entry in the nodelist has no `ring0_addr`.
        QdeviceNeedsFirstLink => "qdevice_needs_first_link",
        QdevicePresent => "qdevice_present",
        /// `services`: HA moves them at this moment.
        HaBusy => "ha_busy",
        /// No node joins a cluster that has a QDevice.
        QdeviceBeforeJoin => "qdevice_before_join",
        QdeviceOddCount => "qdevice_odd_count",
        QdevicePackageMissing => "qdevice_package_missing",
        QdeviceLeftover => "qdevice_leftover",
        QnetdMissing => "qnetd_missing",
        /// `node`, `host`, `address`: a node that does not reach the QDevice's host.
        QnetdUnreachable => "qnetd_unreachable",
        /// `host`, `guest`: the QDevice's host runs in the cluster that it should decide for.
        QnetdIsGuest => "qnetd_is_guest",
        /// `node`, `path`: the certificates of an earlier QDevice are still on a node.
        QdeviceLeftovers => "qdevice_leftovers",
        /// `node`, `package`, `seconds`.
        PackageManagerBusy => "package_manager_busy",
        /// `node`, `package`.
        PackageNotFetched => "package_not_fetched",
        /// `node`, `package`.
        PackageUnknown => "package_unknown",
        ProofMissing => "proof_missing",
        OutcomeUnknown => "outcome_unknown",
        // Remedies
        /// `node`.
        NothingToMend => "nothing_to_mend",
        /// `node`, `file`.
        FileChanged => "file_changed",
        /// `node`, `file`.
        FileUnfit => "file_unfit",
        /// `node`.
        NoOwnAddress => "no_own_address",
        /// `node`.
        CorosyncRunning => "corosync_running",
        /// `node`.
        HaArmed => "ha_armed",
        /// `node`.
        ClockNotInSync => "clock_not_in_sync",
        /// `node`, `now`.
        ZoneChanged => "zone_changed",
        /// `node`.
        HostKeysDiffer => "host_keys_differ",
        /// `node`.
        FirewallElsewhere => "firewall_elsewhere",
        NothingToTakeBack => "nothing_to_take_back",
        StepTimedOut => "step_timed_out",
        // Operations
        PlanChanged => "plan_changed",
        WorldChanged => "world_changed",
        ConsentMissing => "consent_missing",
        ReasonNeeded => "reason_needed",
        AlreadyRunning => "already_running",
        StepOutOfOrder => "step_out_of_order",
        CommandStillRuns => "command_still_runs",
        CommandMayRun => "command_may_run",
        CarriedOut => "carried_out",
        OperationOver => "operation_over",
        NodeCountTooLow => "node_count_too_low",
        ClusterAlreadyBuilt => "cluster_already_built",
        // Policy and approvals
        ApprovalNeeded => "approval_needed",
        ApprovalNotNeeded => "approval_not_needed",
        ApprovalOwn => "approval_own",
        ApproverLost => "approver_lost",
        RequestOver => "request_over",
        RequestExpired => "request_expired",
        RequestNotYours => "request_not_yours",
        TooManyRequests => "too_many_requests",
        FactsChanged => "facts_changed",
        FactsUnknown => "facts_unknown",
        CountdownRuns => "countdown_runs",
        NotAlone => "not_alone",
        PolicySame => "policy_same",
        PolicyInvalid => "policy_invalid",
        CommentTooLong => "comment_too_long",
        // Operations that are stopped
        /// Only what runs can be paused.
        NotRunning => "not_running",
        PauseNotThis => "pause_not_this",
        /// `intent`.
        OvertakeNotThis => "overtake_not_this",
        /// `by`.
        OvertakeNotYours => "overtake_not_yours",
        /// The operation does not have the cluster's place any more.
        NothingToOvertake => "nothing_to_overtake",
        // Raw answers
        EvidenceExpired => "evidence_expired",
        EvidenceDropped => "evidence_dropped",
        EvidenceUnknown => "evidence_unknown",
        // Messages to the outside
        /// The place cannot be reached.
        PlaceUnreachable => "place_unreachable",
        /// Its certificate is not one that is trusted, or TLS failed otherwise.
        PlaceNotTrusted => "place_not_trusted",
        /// `answer`: it does not take the message.
        PlaceRefused => "place_refused",
        /// `seconds`.
        PlaceSilent => "place_silent",
        // The console itself
        StoreFailed => "store_failed",
        SealMissing => "seal_missing",
        Internal => "internal",
    }
);

/// A refusal or an error: a code, its parameters for the sentence, and what the node said, if it said anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub code: ProblemCode,
    /// Parameter name -> value, filled into the locale's sentence; names are those that the sentence uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// The line of output that proves it, cleaned and cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
}

impl Problem {
    #[must_use]
    pub const fn new(code: ProblemCode) -> Self {
        Self { code, params: BTreeMap::new(), quote: None }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }

    #[must_use]
    pub fn quoting(mut self, line: impl Into<String>) -> Self {
        self.quote = Some(line.into());
        self
    }
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        for (name, value) in &self.params {
            write!(f, " {name}={value}")?;
        }
        if let Some(line) = &self.quote {
            write!(f, ": {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_its_own_word() {
        let words: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert_eq!(ProblemCode::from_word(code.as_str()), Some(*code));
        }
    }
}
