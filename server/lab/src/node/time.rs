//! What keeps a node's clock, and which zone it tells.

/// Debian's own zone where nobody chose one.
pub(crate) const ZONE: &str = "Etc/UTC";
/// What the panel's switch sets.
pub(crate) const OTHER_ZONE: &str = "Europe/Paris";

/// chrony as a package and as a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Chrony {
    #[default]
    Runs,
    Stopped,
    /// Not installed; systemd-timesyncd runs instead.
    Absent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timekeeping {
    pub(crate) zone: String,
    pub(crate) chrony: Chrony,
}

impl Default for Timekeeping {
    fn default() -> Self {
        Self { zone: ZONE.to_owned(), chrony: Chrony::default() }
    }
}

/// Names that this host's tzdata has.
pub(crate) fn is_zone(name: &str) -> bool {
    matches!(name, "Etc/UTC" | "UTC" | "Europe/Paris" | "Europe/Berlin" | "America/New_York" | "Asia/Tokyo")
}
