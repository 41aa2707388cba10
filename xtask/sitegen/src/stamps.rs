//! What each step was made of the last time, so that a step whose inputs did not change is skipped.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The remembered stamps: step name to the hash of everything the step was made of.
#[derive(Debug)]
pub struct Stamps {
    file: PathBuf,
    known: BTreeMap<String, String>,
}

impl Stamps {
    /// Reads the stamps; a missing or unreadable file only means that every step is made anew.
    pub fn open(file: PathBuf) -> anyhow::Result<Self> {
        let known = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        };
        Ok(Self { file, known })
    }

    /// True when `step` was made of exactly `stamp` and all its `outputs` are still there.
    pub fn fresh(&self, step: &str, stamp: &str, outputs: &[&Path]) -> bool {
        self.known.get(step).is_some_and(|known| known == stamp) && outputs.iter().all(|path| path.is_file())
    }

    /// Remembers that `step` was made of `stamp`.
    pub fn set(&mut self, step: &str, stamp: String) {
        self.known.insert(step.to_owned(), stamp);
    }

    /// Writes the stamps; called last, so that a run that fails remembers nothing it did not finish.
    pub fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(&self.known)?;
        std::fs::write(&self.file, text).with_context(|| format!("write {}", self.file.display()))
    }
}

/// A stamp of the parts, in order; it is compared on the machine that made it and never leaves it.
pub fn stamp(parts: &[&[u8]]) -> String {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        part.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_fresh_only_with_the_same_stamp_and_its_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out");
        let file = folder.path().join("stamps.json");
        let mut stamps = Stamps::open(file.clone()).unwrap();
        stamps.set("css", stamp(&[b"one"]));
        stamps.save().unwrap();

        let stamps = Stamps::open(file).unwrap();
        assert!(!stamps.fresh("css", &stamp(&[b"one"]), &[&output]), "the output is missing");
        std::fs::write(&output, "x").unwrap();
        assert!(stamps.fresh("css", &stamp(&[b"one"]), &[&output]));
        assert!(!stamps.fresh("css", &stamp(&[b"two"]), &[&output]));
        assert!(!stamps.fresh("wasm", &stamp(&[b"one"]), &[&output]));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(stamp(&[b"ab", b"c"]), stamp(&[b"a", b"bc"]));
    }

    #[test]
    fn damaged_stamps_mean_that_all_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stamps.json");
        std::fs::write(&file, "{ not json").unwrap();
        assert!(!Stamps::open(file).unwrap().fresh("css", "x", &[]));
    }
}
