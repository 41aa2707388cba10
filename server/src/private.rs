//! Files that hold a secret: who else may read them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The bits of a mode that are not the owner's.
const OF_OTHERS: u32 = 0o077;
/// What is left of them in a file that systemd hands out.
const MASK_OF_ACCESS_LIST: u32 = 0o040;
/// User and group of root.
const ROOT: u32 = 0;

/// Where systemd put the credentials of this service, if it did (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
pub(crate) fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Whether a path is that of a credential.
pub(crate) fn is_credential(path: &Path) -> bool {
    credentials().is_some_and(|folder| path.starts_with(folder))
}

/// The mode of a file that people other than its owner may read; `None` where nobody may.
///
/// systemd keeps a credential as root's own file, mode 0400, and lets the service's account read it by an access list
/// (`write_credential` in its src/core/exec-credential.c). Such a list's mask stands where a mode has the bits of the group
/// (acl(5)), so the file looks like 0440 although its group may nothing; and that group is root's own. On a file system
/// without access lists, as ramfs, systemd gives the file to the account instead, and its mode stays 0400.
pub(crate) fn open_to_others(file: &Metadata, credential: bool) -> Option<u32> {
    let mode = file.mode() & 0o777;
    let handed_out = credential && file.uid() == ROOT && file.gid() == ROOT;
    let allowed = if handed_out { MASK_OF_ACCESS_LIST } else { 0 };
    (mode & OF_OTHERS & !allowed != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown};

    #[test]
    fn only_a_credential_of_root_may_look_open_to_its_group() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("secret");
        fs::write(&path, "secret").expect("written");
        let file = File::open(&path).expect("opened");
        let roots = file.metadata().is_ok_and(|file| file.uid() == ROOT && file.gid() == ROOT);
        let refused = |mode: u32, credential: bool| {
            file.set_permissions(Permissions::from_mode(mode)).expect("chmod");
            open_to_others(&file.metadata().expect("metadata"), credential).is_some()
        };
        for private in [0o400, 0o600] {
            assert!(!refused(private, false) && !refused(private, true), "{private:o}");
        }
        for open in [0o404, 0o444, 0o644, 0o460, 0o450, 0o420] {
            assert!(refused(open, false) && refused(open, true), "{open:o}");
        }
        assert!(refused(0o440, false), "no credential");
        assert_eq!(refused(0o440, true), !roots);
        // Only root can give a file away: who else runs this has just seen that theirs is refused.
        if roots {
            for (user, group) in [(Some(1), None), (None, Some(1))] {
                chown(&path, user, group).expect("given away");
                assert!(refused(0o440, true), "a group of strangers may read it");
                chown(&path, Some(ROOT), Some(ROOT)).expect("taken back");
            }
        }
    }
}
