//! The names of checks, their groups, and of everything that they find.

use serde::{Deserialize, Serialize};

crate::problem::codes!(
    /// The checks of the first wizard step; names as in the seed. Locale keys: `check_CODE`, `check_CODE_why`, `check_CODE_source`.
    CheckId {
        SameVersion => "same_version",
        HostNames => "host_names",
        HostsFile => "hosts_file",
        Clocks => "clocks",
        ManagementNetwork => "management_network",
        Ports => "ports",
        RootSsh => "root_ssh",
        NoGuests => "no_guests",
        JoinApi => "join_api",
        CorosyncVersion => "corosync_version",
        HostLink => "host_link",
        ClockService => "clock_service",
        ClockSource => "clock_source",
        TimeZone => "time_zone",
        Firewall => "firewall",
        MigrationPorts => "migration_ports",
        SshdSettings => "sshd_settings",
        QuietShell => "quiet_shell",
        CorosyncDown => "corosync_down",
        CorosyncState => "corosync_state",
        PmxcfsDatabase => "pmxcfs_database",
        RenamedNode => "renamed_node",
        LinkAddresses => "link_addresses",
        LinkSubnets => "link_subnets",
        DuplicateAddresses => "duplicate_addresses",
        LinkLoss => "link_loss",
        LinkLatency => "link_latency",
        LinkJitter => "link_jitter",
        LinkMtu => "link_mtu",
        LinkLoad => "link_load",
        LinkSpeed => "link_speed",
        LinkRedundancy => "link_redundancy",
        Bonds => "bonds",
        LinkDedicated => "link_dedicated",
        ReversePath => "reverse_path",
        Conntrack => "conntrack",
        Repositories => "repositories",
        Updates => "updates",
        Kernel => "kernel",
        Subscription => "subscription",
        DiskSpace => "disk_space",
        DiskLatency => "disk_latency",
        Memory => "memory",
        StorageConfig => "storage_config",
        ForeignStorage => "foreign_storage",
        Users => "users",
        Certificates => "certificates",
        CertificateAuthority => "certificate_authority",
        Services => "services",
        WorkingFolder => "working_folder",
        ForeignSoftware => "foreign_software",
        NameOrder => "name_order",
        ClusterName => "cluster_name",
        LinkSwitches => "link_switches",
        HungTasks => "hung_tasks",
    }
);

crate::problem::codes!(
    /// Why a cell is not green; locale key `finding_CODE`. The parameters of the sentence stand at each code.
    FindingCode {
        /// `problem`: a problem's code.
        EvidenceMissing => "evidence_missing",
        /// `peer` (a node that has to answer first), or `check` (a check's code that has to be green first).
        WaitsForOther => "waits_for_other",
        /// `version`, `other`, `peer`.
        VersionMajorDiffers => "version_major_differs",
        /// `version`, `other`, `peer`.
        VersionMinorDiffers => "version_minor_differs",
        /// `version`, `oldest`.
        VersionUnsupported => "version_unsupported",
        /// `version`, `newest`.
        VersionNotVerified => "version_not_verified",
        /// `name`, `problem`: the problem's code.
        NameInvalid => "name_invalid",
        /// `name`, `peer`.
        NameTwice => "name_twice",
        /// `name`, `file`: what `/etc/hostname` says.
        NameFileDiffers => "name_file_differs",
        /// `name`.
        NameUnresolved => "name_unresolved",
        /// `name`, `address`; no line of `/etc/hosts` says so.
        NameLoopback => "name_loopback",
        /// `name`, `address`: loopback beside a real address.
        NameLoopbackToo => "name_loopback_too",
        /// `name`, `address`; no line of `/etc/hosts` says so.
        NameNotLocal => "name_not_local",
        /// `name`, `line`: the line of `/etc/hosts`.
        HostsLoopbackLine => "hosts_loopback_line",
        /// `name`, `address`, `line`: the line of `/etc/hosts`.
        HostsWrongAddress => "hosts_wrong_address",
        /// `peer`, `millis`, `limit_millis`.
        ClockApart => "clock_apart",
        /// `peer`, `millis`, `limit_millis`.
        ClockDrifting => "clock_drifting",
        /// `error_millis`.
        ClockUnsure => "clock_unsure",
        NotSynchronized => "not_synchronized",
        /// `address`.
        ManagementNotLocal => "management_not_local",
        /// `address`, `interface`.
        ManagementDynamic => "management_dynamic",
        /// `interface`.
        InterfaceDown => "interface_down",
        /// `peer`, `address`, `answer`: `refused`, `timeout` or the error's text.
        PeerNoAnswer => "peer_no_answer",
        /// `peer`, `address`, `port`, `answer`: `refused`, `timeout` or the error's text.
        PortClosed => "port_closed",
        /// `peer`, `address`, `port`, `echoed`, `sent`.
        UdpLost => "udp_lost",
        /// `peer`, `address`, `port`, `echoed`, `sent`.
        UdpSomeLost => "udp_some_lost",
        /// `address`, `port`.
        PortBusy => "port_busy",
        /// `uid`.
        NotRoot => "not_root",
        NoRsaHostKey => "no_rsa_host_key",
        /// `count`, `guests`: their ids.
        HasGuests => "has_guests",
        /// `count`, `guests`: their ids.
        FirstHasGuests => "first_has_guests",
        /// `files`.
        InCluster => "in_cluster",
        LeftoverAuthkey => "leftover_authkey",
        /// `problem`: a problem's code.
        LogInFailed => "log_in_failed",
        /// `version`, `other`, `peer`.
        ApiDiffers => "api_differs",
        /// `version`.
        CorosyncOld => "corosync_old",
        /// `package`, `version`, `other`, `peer`.
        PackageDiffers => "package_differs",
        LinksNotChosen => "links_not_chosen",
        /// `name`, `address`.
        NameNotOnLink => "name_not_on_link",
        ChronyNotSynchronised => "chrony_not_synchronised",
        /// `millis`, `limit_millis`.
        ChronyOffset => "chrony_offset",
        TimesyncdOnly => "timesyncd_only",
        TimeServiceNone => "time_service_none",
        NoChrony => "no_chrony",
        NoTimeSource => "no_time_source",
        /// `peer`.
        TimeSourcesDiffer => "time_sources_differ",
        /// `zone`, `other`, `peer`.
        ZoneDiffers => "zone_differs",
        /// `names`.
        ForeignFirewall => "foreign_firewall",
        InputDropped => "input_dropped",
        /// `peer`, `address`.
        MigrationPortSilent => "migration_port_silent",
        /// `port`.
        SshdPort => "sshd_port",
        RootLoginForbidden => "root_login_forbidden",
        /// `line`.
        ShellTalks => "shell_talks",
        CorosyncRuns => "corosync_runs",
        /// `files`.
        CorosyncLeftovers => "corosync_leftovers",
        /// `answer`.
        DatabaseDamaged => "database_damaged",
        /// `entries`.
        DatabaseDoubles => "database_doubles",
        /// `mebibytes`, `limit`.
        DatabaseLarge => "database_large",
        /// `folders`.
        ForeignNodeFolder => "foreign_node_folder",
        /// `name`.
        OwnFolderMissing => "own_folder_missing",
        NoSharedNetwork => "no_shared_network",
        /// `what`: a program or file that some machines do not have.
        NotOnThisMachine => "not_on_this_machine",
        /// Neighbours are told apart by ARP, which IPv6 does not use.
        OnlyIpv6 => "only_ipv6",
        /// `address`.
        LinkNotOwn => "link_not_own",
        /// `address`, `interface`.
        LinkLearned => "link_learned",
        /// `address`, `prefix`, `other`, `peer`.
        PrefixDiffers => "prefix_differs",
        /// `address`, `other`.
        LinksOverlap => "links_overlap",
        /// `address`, `peer`.
        AddressTwice => "address_twice",
        /// `address`, `mac`, `peer`.
        OtherMachine => "other_machine",
        /// `peer`, `address`, `received`, `sent`.
        PingLost => "ping_lost",
        /// `peer`, `address`, `millis`, `limit_millis`.
        PingSlow => "ping_slow",
        /// `peer`, `address`, `millis`, `limit_millis`.
        PingPeak => "ping_peak",
        /// `peer`, `address`, `millis`, `limit_millis`.
        PingUneven => "ping_uneven",
        /// `port`, `peer`, `address`: another program has it there, which will be corosync.
        PortTaken => "port_taken",
        /// `peer`, `address`, `bytes`.
        MtuBlocked => "mtu_blocked",
        /// `mtu`, `other`, `peer`.
        MtuDiffers => "mtu_differs",
        /// `interface`, `count`.
        CardErrors => "card_errors",
        /// `interface`, `percent`.
        CardBusy => "card_busy",
        /// `interface`, `megabits`.
        CardSlow => "card_slow",
        /// `interface`.
        HalfDuplex => "half_duplex",
        SpeedUnknown => "speed_unknown",
        OneLink => "one_link",
        /// `first`, `second`, `device`.
        SameCard => "same_card",
        /// `first`, `second`, `slot`.
        SameSlot => "same_slot",
        HardwareUnknown => "hardware_unknown",
        /// `bond`, `mode`.
        BondBalances => "bond_balances",
        /// `bond`.
        BondSlowLacp => "bond_slow_lacp",
        /// `bond`.
        BondSingle => "bond_single",
        /// `interface`.
        PreferredShared => "preferred_shared",
        /// `storage`, `server`.
        PreferredStorage => "preferred_storage",
        /// `first`, `second`.
        StrictFilter => "strict_filter",
        ConntrackOff => "conntrack_off",
        /// `percent`.
        ConntrackFull => "conntrack_full",
        /// `suites`.
        SuitesMixed => "suites_mixed",
        NoPveRepository => "no_pve_repository",
        /// `component`, `other`, `peer`.
        RepositoryDiffers => "repository_differs",
        /// `packages`.
        UpdatesPending => "updates_pending",
        /// `running`, `newest`.
        RebootPending => "reboot_pending",
        /// `kernel`, `other`, `peer`.
        KernelDiffers => "kernel_differs",
        /// `status`, `other`, `peer`.
        SubscriptionsMixed => "subscriptions_mixed",
        /// `place`, `mebibytes`.
        DiskFull => "disk_full",
        /// `place`, `mebibytes`.
        DiskLow => "disk_low",
        /// `place`.
        InodesGone => "inodes_gone",
        /// `percent`.
        IoStalls => "io_stalls",
        /// `mebibytes`.
        MemoryLow => "memory_low",
        /// `storages`.
        StorageLost => "storage_lost",
        /// `storages`, `peer`.
        StorageDiffers => "storage_differs",
        /// `storages`, `peer`.
        StorageAbsent => "storage_absent",
        /// `storage`, `peer`, `server`.
        StorageShared => "storage_shared",
        /// `accounts`.
        AccountsLost => "accounts_lost",
        /// `count`.
        PermissionsLost => "permissions_lost",
        /// `date`.
        CertificateExpired => "certificate_expired",
        /// `date`, `days`.
        CertificateEnds => "certificate_ends",
        /// `name`.
        CertificateName => "certificate_name",
        /// `date`, `days`.
        AuthorityEnds => "authority_ends",
        /// `answer`.
        ChainBroken => "chain_broken",
        /// `service`, `state`.
        ServiceDown => "service_down",
        /// `folder`.
        InsidePve => "inside_pve",
        /// `packages`.
        SoftwareInTheWay => "software_in_the_way",
        /// `name`, `address`.
        Ipv6First => "ipv6_first",
        /// `name`, `address`.
        ClusterNameAnswers => "cluster_name_answers",
        /// `first`, `second`, `switch`.
        SameSwitch => "same_switch",
        SwitchUnknown => "switch_unknown",
        /// `count`: of the newest ones that were asked for.
        TasksHung => "tasks_hung",
        /// `count`.
        RealmsLost => "realms_lost",
        SecondFactorsLost => "second_factors_lost",
    }
);

crate::problem::codes!(
    /// Groups of checks, in their order on the page; locale key `group_CODE`.
    CheckGroup {
        Basics => "basics",
        Leftovers => "leftovers",
        Links => "links",
        Software => "software",
    }
);
