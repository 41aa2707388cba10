//! The files of one node's own disk: everything but `/etc/pve`.

use std::collections::BTreeMap;

/// Deepest chain of symbolic links that is followed.
const LINKS_MAX: usize = 8;

/// Why a path could not be used, in the kernel's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errno {
    NotFound,
    Denied,
    IsDirectory,
    NoSpace,
    /// What pmxcfs answers when its database cannot be written.
    InputOutput,
}

impl Errno {
    /// The words that every coreutils program prints for it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotFound => "No such file or directory",
            Self::Denied => "Permission denied",
            Self::IsDirectory => "Is a directory",
            Self::NoSpace => "No space left on device",
            Self::InputOutput => "Input/output error",
        }
    }
}

/// One entry of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File { content: Vec<u8>, mode: u32 },
    Link(String),
    Directory,
}

/// A disk: absolute path to entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    entries: BTreeMap<String, Entry>,
    /// No space is left; what lies in memory (`/run`) can still be written.
    pub(crate) full: bool,
}

impl Files {
    /// Follows symbolic links of the last component; the result may lie in `/etc/pve`.
    pub(crate) fn resolve(&self, path: &str) -> String {
        let mut path = tidy(path);
        for _ in 0..LINKS_MAX {
            match self.entries.get(&path) {
                Some(Entry::Link(target)) => path = tidy(target),
                _ => break,
            }
        }
        path
    }

    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        match self.entries.get(&self.resolve(path)) {
            Some(Entry::File { content, .. }) => Ok(content.clone()),
            Some(Entry::Directory) => Err(Errno::IsDirectory),
            _ => Err(if self.is_directory(path) { Errno::IsDirectory } else { Errno::NotFound }),
        }
    }

    /// Every file with its content; links are not followed.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &[u8])> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File { content, .. } => Some((path, content.as_slice())),
            Entry::Link(_) | Entry::Directory => None,
        })
    }

    /// Mode bits of a file; `None` when there is none.
    pub(crate) fn mode(&self, path: &str) -> Option<u32> {
        match self.entries.get(&self.resolve(path)) {
            Some(Entry::File { mode, .. }) => Some(*mode),
            _ => None,
        }
    }

    pub(crate) fn write(&mut self, path: &str, content: &[u8], mode: u32) -> Result<(), Errno> {
        let path = self.resolve(path);
        if self.is_directory(&path) {
            return Err(Errno::IsDirectory);
        }
        if !self.is_directory(parent(&path)) {
            return Err(Errno::NotFound);
        }
        if self.full && !path.starts_with("/run/") {
            return Err(Errno::NoSpace);
        }
        let mode = self.mode(&path).unwrap_or(mode);
        self.entries.insert(path, Entry::File { content: content.to_vec(), mode });
        Ok(())
    }

    /// Puts a file there whatever was there before, making its directories.
    pub(crate) fn put(&mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = tidy(path);
        self.make_directory(parent(&path));
        self.entries.insert(path, Entry::File { content: content.as_ref().to_vec(), mode });
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.entries.insert(tidy(path), Entry::Link(target.to_owned()));
    }

    pub(crate) fn is_link(&self, path: &str) -> bool {
        matches!(self.entries.get(&tidy(path)), Some(Entry::Link(_)))
    }

    /// Makes a directory and its parents.
    pub(crate) fn make_directory(&mut self, path: &str) {
        let path = tidy(path);
        if path == "/" {
            return;
        }
        self.make_directory(parent(&path));
        self.entries.entry(path).or_insert(Entry::Directory);
    }

    pub(crate) fn remove(&mut self, path: &str) -> Result<(), Errno> {
        let path = tidy(path);
        match self.entries.get(&path) {
            Some(Entry::Directory) => Err(Errno::IsDirectory),
            Some(_) => {
                self.entries.remove(&path);
                Ok(())
            }
            None => Err(Errno::NotFound),
        }
    }

    /// A folder with all that is in it (`rm -rf`).
    pub(crate) fn remove_tree(&mut self, path: &str) {
        let path = tidy(path);
        let inside = format!("{path}/");
        self.entries.retain(|name, _| *name != path && !name.starts_with(&inside));
    }

    /// Gives an entry another name; what had that name is gone.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let (from, to) = (tidy(from), tidy(to));
        if self.is_directory(&from) || self.is_directory(&to) {
            return Err(Errno::IsDirectory);
        }
        let entry = self.entries.remove(&from).ok_or(Errno::NotFound)?;
        self.entries.insert(to, entry);
        Ok(())
    }

    /// Gives a folder with all that is in it another name, which nothing may have.
    pub(crate) fn rename_tree(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let (from, to) = (tidy(from), tidy(to));
        if !self.is_directory(&from) {
            return Err(Errno::NotFound);
        }
        if self.exists(&to) {
            return Err(Errno::IsDirectory);
        }
        let inside = format!("{from}/");
        let moved = self.entries.extract_if(.., |name, _| *name == from || name.starts_with(&inside));
        let moved: Vec<(String, Entry)> = moved.collect();
        self.entries.extend(moved.into_iter().map(|(name, entry)| (name.replacen(&from, &to, 1), entry)));
        Ok(())
    }

    /// Moves an entry, and puts a link to it in its old place.
    pub(crate) fn move_and_link(&mut self, from: &str, to: &str) {
        if self.rename(from, to).is_ok() {
            self.link(from, to);
        }
    }

    pub(crate) fn is_directory(&self, path: &str) -> bool {
        let path = tidy(path);
        path == "/" || matches!(self.entries.get(&path), Some(Entry::Directory))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = self.resolve(path);
        self.is_directory(&path) || self.entries.contains_key(&path)
    }

    /// Names directly below a directory, sorted as `ls` does in the C locale.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, Errno> {
        let path = self.resolve(path);
        if !self.is_directory(&path) {
            return Err(Errno::NotFound);
        }
        let prefix = if path == "/" { path } else { format!("{path}/") };
        Ok(self
            .entries
            .keys()
            .filter_map(|key| key.strip_prefix(&prefix))
            .filter(|rest| !rest.is_empty() && !rest.contains('/'))
            .map(str::to_owned)
            .collect())
    }
}

/// Directory part of an absolute path.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => path.get(..at).unwrap_or("/"),
    }
}

/// An absolute path without doubled or trailing slashes; relative ones start in `/root`.
pub(crate) fn tidy(path: &str) -> String {
    let absolute = if path.starts_with('/') { path.to_owned() } else { format!("/root/{path}") };
    let parts: Vec<&str> = absolute.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}
