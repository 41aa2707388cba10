//! What remedies and undone joins keep beside the files that they change, asked for and taken away again.

use crate::command::CommandLine;
use crate::files::{NodeFile, NodeFolder};
use crate::midway;
use model::plan::Action;
use model::remedy::ContentDigest;

/// A copy that stands beside its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCopy(String);

impl KeptCopy {
    /// What an action may have kept or set aside on its machine.
    #[must_use]
    pub fn of(action: &Action) -> Vec<Self> {
        match action {
            Action::ReplaceHosts { old, .. } => {
                vec![Self(NodeFile::KeptHosts(ContentDigest::of(old.as_bytes())).path())]
            }
            Action::SetAsideAuthkey { digest } => vec![Self(NodeFile::KeptAuthkey(digest.clone()).path())],
            Action::SetAsideQdeviceStore { digest } => vec![Self(NodeFolder::KeptQdeviceStore(digest.clone()).path())],
            Action::StandAlone { .. } => {
                [NodeFile::CorosyncAuthkey, NodeFile::LocalCorosyncConf, NodeFile::PmxDatabase]
                    .map(|file| Self(midway::aside(&file)))
                    .into()
            }
            _ => Vec::new(),
        }
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }

    /// Asks whether it is there.
    #[must_use]
    pub fn exists(&self) -> CommandLine {
        CommandLine::reads("test").arg("-e").arg(&self.0)
    }

    /// Deletes it, with all that is in it where it is a folder.
    #[must_use]
    pub fn remove(&self) -> CommandLine {
        CommandLine::changes("rm").arg("-rf").arg(&self.0)
    }
}

/// The deletion for people, before it is known which copies there are; `copy` stands for their names.
#[must_use]
pub fn remove_shown(copy: &str) -> String {
    KeptCopy(copy.to_owned()).remove().argv().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_action_keeps_is_ever_taken_away() {
        let digest = ContentDigest::of(b"key");
        let kept = KeptCopy::of(&Action::SetAsideAuthkey { digest: digest.clone() });
        let path = format!("/etc/corosync/authkey.quorate-{}", digest.short());
        assert_eq!(kept.iter().map(KeptCopy::path).collect::<Vec<_>>(), [path.as_str()]);
        assert_eq!(kept[0].remove().argv(), ["rm", "-rf", path.as_str()]);
        let store = KeptCopy::of(&Action::SetAsideQdeviceStore { digest: digest.clone() });
        assert!(store[0].path().starts_with("/etc/corosync/qdevice/net/nssdb.quorate-"));
        let address = "10.0.1.12".parse().expect("an address");
        let replaced = Action::ReplaceHosts { name: "pve2".into(), address, old: "old\n".into(), new: "new\n".into() };
        assert!(KeptCopy::of(&replaced)[0].path().starts_with("/etc/hosts.quorate-"));
        assert_eq!(KeptCopy::of(&Action::StandAlone { backup: None }).len(), 3);
        // What was brought back has taken its copy's place.
        assert!(KeptCopy::of(&Action::PutBackAuthkey { digest }).is_empty());
        assert!(KeptCopy::of(&Action::MakeRootKey).is_empty());
    }
}
