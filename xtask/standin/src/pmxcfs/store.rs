//! The tree of `/etc/pve` in memory, and on disk between runs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ops::{Op, Refused};

/// Largest file, bytes, as in pmxcfs.
pub const FILE_LIMIT: usize = 1024 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub enum Node {
    Folder,
    File {
        #[serde(with = "as_base64")]
        data: Vec<u8>,
    },
}

/// Paths are relative to `/etc/pve`, without a leading slash; the root is not an entry.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// Grows by one with every change; 0 is a store that never had one.
    pub version: u64,
    /// Seconds since 1970 of the last change.
    pub mtime: u64,
    tree: BTreeMap<String, (Node, u64)>,
    /// How often a path changed since the start, for `.version`.
    #[serde(skip)]
    pub counters: BTreeMap<String, u64>,
}

impl Store {
    /// The store on disk, or an empty one.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("database {}", path.display())),
            Err(_) => Ok(Self::default()),
        }
    }

    pub fn save(&self, path: &Path) {
        let next = path.with_extension("db.tmp");
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = std::fs::write(&next, bytes).and_then(|()| std::fs::rename(&next, path));
        }
    }

    /// A joining node starts from nothing and gets everything from the cluster.
    pub fn forget_everything(&mut self) {
        self.tree.clear();
    }

    /// A digest of all names and contents: equal stores are equal trees.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.version.to_be_bytes());
        for (path, (node, _)) in &self.tree {
            hash.update(path.as_bytes());
            if let Node::File { data } = node {
                hash.update([0]);
                hash.update(data);
            }
            hash.update([1]);
        }
        hex::encode(hash.finalize())
    }

    pub fn get(&self, path: &str) -> Option<(&Node, u64)> {
        self.tree.get(path).map(|(node, time)| (node, *time))
    }

    pub fn file(&self, path: &str) -> Option<&[u8]> {
        match self.tree.get(path) {
            Some((Node::File { data }, _)) => Some(data),
            _ => None,
        }
    }

    /// Names directly in a folder.
    pub fn children(&self, folder: &str) -> Vec<(String, bool)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.tree.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        let direct = below.filter_map(|(path, (node, _))| {
            let name = path.get(prefix.len()..)?;
            (!name.contains('/')).then(|| (name.to_owned(), *node == Node::Folder))
        });
        direct.collect()
    }

    /// The number of entries, and the bytes of all files.
    pub fn size(&self) -> (usize, usize) {
        let bytes = |(node, _): &(Node, u64)| match node {
            Node::File { data } => data.len(),
            Node::Folder => 0,
        };
        (self.tree.len(), self.tree.values().map(bytes).sum())
    }

    /// As `sqlite3 config.db .dump` writes it, with whole paths as names.
    pub fn dump(&self) -> String {
        let columns =
            "inode INTEGER PRIMARY KEY NOT NULL, version INTEGER, mtime INTEGER, type INTEGER, name TEXT, data BLOB";
        let head = format!("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE tree ({columns});\n");
        let row = |(inode, (path, (node, mtime))): (usize, (&String, &(Node, u64)))| {
            let (kind, data) = match node {
                Node::Folder => (4, "NULL".to_owned()),
                Node::File { data } => (8, format!("X'{}'", hex::encode(data))),
            };
            let (version, name) = (self.version, path.replace('\'', "''"));
            format!("INSERT INTO tree VALUES({inode},{version},{mtime},{kind},'{name}',{data});\n")
        };
        head + &(1..).zip(&self.tree).map(row).collect::<String>() + "COMMIT;\n"
    }

    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.tree.keys()
    }

    pub fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || matches!(self.tree.get(path), Some((Node::Folder, _)))
    }

    /// Applies one change, or says why not and changes nothing.
    pub fn apply(&mut self, op: &Op, now: u64) -> Result<(), Refused> {
        match op {
            Op::Folder(path) => self.insert(path, Node::Folder, now)?,
            Op::File(path) => self.insert(path, Node::File { data: Vec::new() }, now)?,
            Op::Write { path, offset, data } => self.write(path, *offset, data.0.as_slice(), now)?,
            Op::Truncate { path, size } => self.truncate(path, *size, now)?,
            Op::Remove(path) => self.remove(path)?,
            Op::Rename { from, to } => self.rename(from, to, now)?,
        }
        self.version += 1;
        self.mtime = now;
        for path in op.paths() {
            *self.counters.entry(path.to_owned()).or_insert(1) += 1;
        }
        Ok(())
    }

    fn insert(&mut self, path: &str, node: Node, now: u64) -> Result<(), Refused> {
        if self.tree.contains_key(path) {
            return Err(Refused::Exists);
        }
        if !self.is_folder(parent(path)) {
            return Err(Refused::NotFound);
        }
        self.tree.insert(path.to_owned(), (node, now));
        Ok(())
    }

    fn content(&mut self, path: &str, now: u64) -> Result<&mut Vec<u8>, Refused> {
        let (node, time) = self.tree.get_mut(path).ok_or(Refused::NotFound)?;
        *time = now;
        match node {
            Node::File { data } => Ok(data),
            Node::Folder => Err(Refused::IsFolder),
        }
    }

    fn write(&mut self, path: &str, offset: u64, data: &[u8], now: u64) -> Result<(), Refused> {
        let start = usize::try_from(offset).map_err(|_| Refused::TooBig)?;
        let end = start.checked_add(data.len()).filter(|end| *end <= FILE_LIMIT).ok_or(Refused::TooBig)?;
        let content = self.content(path, now)?;
        if content.len() < end {
            content.resize(end, 0);
        }
        if let Some(target) = content.get_mut(start..end) {
            target.copy_from_slice(data);
        }
        Ok(())
    }

    fn truncate(&mut self, path: &str, size: u64, now: u64) -> Result<(), Refused> {
        let size = usize::try_from(size).ok().filter(|size| *size <= FILE_LIMIT).ok_or(Refused::TooBig)?;
        self.content(path, now)?.resize(size, 0);
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), Refused> {
        if !self.children(path).is_empty() {
            return Err(Refused::NotEmpty);
        }
        self.tree.remove(path).map(|_| ()).ok_or(Refused::NotFound)
    }

    fn rename(&mut self, from: &str, to: &str, now: u64) -> Result<(), Refused> {
        if !self.tree.contains_key(from) || !self.is_folder(parent(to)) {
            return Err(Refused::NotFound);
        }
        if self.is_folder(to) && !self.children(to).is_empty() {
            return Err(Refused::NotEmpty);
        }
        let inner = format!("{from}/");
        let moved: Vec<String> =
            self.tree.keys().filter(|path| *path == from || path.starts_with(&inner)).cloned().collect();
        for path in moved {
            if let Some((node, _)) = self.tree.remove(&path) {
                let target = format!("{to}{}", path.get(from.len()..).unwrap_or_default());
                self.tree.insert(target, (node, now));
            }
        }
        Ok(())
    }
}

/// The folder that a path is in, empty for the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

mod as_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(data: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(data))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(source)?).map_err(D::Error::custom)
    }
}

/// Bytes that travel as base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes(#[serde(with = "as_base64")] pub Vec<u8>);

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str, text: &str) -> Op {
        Op::Write { path: path.to_owned(), offset: 0, data: Bytes(text.as_bytes().to_vec()) }
    }

    #[test]
    fn a_change_counts_and_a_refused_one_does_not() {
        let mut store = Store::default();
        assert_eq!(store.apply(&Op::File("nodes/pve1/x".to_owned()), 1), Err(Refused::NotFound));
        assert_eq!(store.version, 0);
        store.apply(&Op::Folder("nodes".to_owned()), 1).unwrap();
        store.apply(&Op::File("nodes/x".to_owned()), 1).unwrap();
        store.apply(&write("nodes/x", "one"), 2).unwrap();
        assert_eq!((store.version, store.file("nodes/x")), (3, Some(b"one".as_slice())));
        assert_eq!(store.apply(&Op::Remove("nodes".to_owned()), 3), Err(Refused::NotEmpty));
        assert_eq!(store.children(""), vec![("nodes".to_owned(), true)]);
    }

    #[test]
    fn renaming_a_folder_takes_its_files_along_and_replaces_a_file() {
        let mut store = Store::default();
        store.apply(&Op::Folder("a".to_owned()), 1).unwrap();
        store.apply(&Op::File("a/f".to_owned()), 1).unwrap();
        store.apply(&Op::File("a/g".to_owned()), 1).unwrap();
        store.apply(&write("a/g", "new"), 1).unwrap();
        store.apply(&Op::Rename { from: "a/g".to_owned(), to: "a/f".to_owned() }, 1).unwrap();
        store.apply(&Op::Rename { from: "a".to_owned(), to: "b".to_owned() }, 1).unwrap();
        assert_eq!(store.file("b/f"), Some(b"new".as_slice()));
        assert_eq!(store.paths().cloned().collect::<Vec<_>>(), ["b", "b/f"]);
    }

    #[test]
    fn the_digest_tells_trees_apart() {
        let mut one = Store::default();
        one.apply(&Op::File("x".to_owned()), 1).unwrap();
        let mut two = one.clone();
        assert_eq!(one.digest(), two.digest());
        two.apply(&write("x", "1"), 1).unwrap();
        assert_ne!(one.digest(), two.digest());
    }
}
