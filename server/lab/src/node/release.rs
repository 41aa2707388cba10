//! Versions of what is installed.

/// A release of Proxmox VE with the versions of the packages that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// Proxmox VE 9.2, the recorded one.
    Pve92,
    /// Proxmox VE 9.1: same major version, another minor one.
    Pve91,
    /// Proxmox VE 8.4.
    Pve84,
    /// Debian without Proxmox VE.
    Debian13,
}

impl Release {
    /// `pve-manager` version and commit.
    pub(crate) fn manager(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Pve92 => Some(("9.2.11", "14a22df3c0de")),
            Self::Pve91 => Some(("9.1.4", "5ac30304265fbd8e")),
            Self::Pve84 => Some(("8.4.14", "b502d23c55afcba1")),
            Self::Debian13 => None,
        }
    }

    pub(crate) fn kernel(self) -> &'static str {
        match self {
            Self::Pve92 => "6.17.2-1-pve",
            Self::Pve91 => "6.17.2-1-pve",
            Self::Pve84 => "6.8.12-15-pve",
            Self::Debian13 => "6.12.57+deb13-amd64",
        }
    }

    /// Debian's name of the release.
    pub(crate) fn suite(self) -> &'static str {
        if matches!(self, Self::Pve84) { "bookworm" } else { "trixie" }
    }

    /// Debian's package manager.
    pub(crate) fn apt(self) -> &'static str {
        if matches!(self, Self::Pve84) { "2.6.1" } else { "3.0.3" }
    }

    /// The version in which this release has the package.
    pub(crate) fn version_of(self, package: &str) -> Option<&'static str> {
        self.packages().iter().find(|(name, _)| *name == package).map(|(_, version)| *version)
    }

    /// Whether `pvecm create` writes `token_coefficient: 125` (pve-cluster 9.1.0 and newer).
    pub(crate) fn writes_token_coefficient(self) -> bool {
        matches!(self, Self::Pve92)
    }

    /// Packages as (name, version), sorted by name.
    pub(crate) fn packages(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Pve92 => &[
                ("chrony", "4.6.1-3"),
                ("corosync", "3.1.9-2+deb13u1"),
                ("corosync-qdevice", "3.0.3-2"),
                ("libknet1t64", "1.30-2"),
                ("proxmox-ve", "9.2.0"),
                ("pve-cluster", "9.1.6"),
                ("pve-ha-manager", "5.2.0"),
                ("pve-manager", "9.2.11"),
            ],
            Self::Pve91 => &[
                ("chrony", "4.6.1-3"),
                ("corosync", "3.1.9-pve2"),
                ("corosync-qdevice", "3.0.3-2"),
                ("libknet1t64", "1.30-pve2"),
                ("proxmox-ve", "9.1.0"),
                ("pve-cluster", "9.0.7"),
                ("pve-ha-manager", "5.0.8"),
                ("pve-manager", "9.1.4"),
            ],
            Self::Pve84 => &[
                ("chrony", "4.3-2+deb12u1"),
                ("corosync", "3.1.9-pve1"),
                ("corosync-qdevice", "3.0.3-1"),
                ("libknet1", "1.30-pve2"),
                ("proxmox-ve", "8.4.0"),
                ("pve-cluster", "8.1.2"),
                ("pve-ha-manager", "4.0.7"),
                ("pve-manager", "8.4.14"),
            ],
            Self::Debian13 => &[("chrony", "4.6.1-3"), ("corosync-qnetd", "3.0.3-2")],
        }
    }
}
