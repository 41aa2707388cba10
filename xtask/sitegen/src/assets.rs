//! Fonts, icons and other files that are served as they are, from `style/assets` to the site's root.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::stamps::{Stamps, stamp};
use crate::{Args, Done};

/// Copies every file of `style/assets`, keeping folders; only changed ones are written.
pub fn copy(args: &Args, stamps: &mut Stamps, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<Done> {
    let source = args.style.join("assets");
    let mut done = Done::Unchanged;
    if !source.is_dir() {
        return Ok(done);
    }
    for path in files_below(&source)? {
        let relative = path.strip_prefix(&source)?;
        let target = args.out.join(relative);
        files.insert(target.clone());
        let key = format!("asset {}", relative.display());
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let made_of = stamp(&[&bytes]);
        if stamps.fresh(&key, &made_of, &[&target]) {
            continue;
        }
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&target, bytes).with_context(|| format!("write {}", target.display()))?;
        stamps.set(&key, made_of);
        done = Done::Made;
    }
    Ok(done)
}

/// Removes what an earlier run left in the site and this one does not know: the whole folder is put into the binary.
pub fn remove_strangers(site: &Path, files: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for path in files_below(site)? {
        if !files.contains(&path) {
            std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// All files below `folder`, sorted; hidden ones are left out.
pub fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("list {}", next.display()))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strangers_are_removed() {
        let site = tempfile::tempdir().unwrap();
        let kept = site.path().join("pkg").join("quorate.js");
        let stranger = site.path().join("pkg").join("old.js.br");
        std::fs::create_dir(site.path().join("pkg")).unwrap();
        std::fs::write(&kept, "x").unwrap();
        std::fs::write(&stranger, "x").unwrap();
        remove_strangers(site.path(), &BTreeSet::from([kept.clone()])).unwrap();
        assert!(kept.exists());
        assert!(!stranger.exists());
    }
}
