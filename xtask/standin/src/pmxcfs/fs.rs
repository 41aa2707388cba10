//! The FUSE side: names, attributes, reading and writing; every change goes through `Shared::submit`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use fuser::{
    BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyWrite, Request, SessionACL, TimeOrNow, WriteFlags,
};

use super::Shared;
use super::ops::{Op, Refused};
use super::special;
use super::store::{Bytes, Node};

/// The kernel keeps nothing: another member may have changed it.
const NO_CACHE: Duration = Duration::ZERO;
/// Group `www-data` of Debian.
const GROUP: u32 = 33;
/// Threads that serve requests; a write waits for other members.
const THREADS: usize = 4;

/// Serves `/etc/pve` until it is unmounted.
pub fn mount(shared: Arc<Shared>, at: &Path) -> anyhow::Result<()> {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName("/dev/fuse".to_owned()),
        MountOption::DefaultPermissions,
        MountOption::NoSuid,
        MountOption::NoDev,
    ];
    config.acl = SessionACL::All;
    config.n_threads = Some(THREADS);
    fuser::mount(Tree { shared, names: Mutex::new(Names::default()) }, at, &config).context("mount of /etc/pve")
}

struct Tree {
    shared: Arc<Shared>,
    names: Mutex<Names>,
}

/// Inode numbers of the paths that were asked for.
#[derive(Debug, Default)]
struct Names {
    paths: BTreeMap<u64, String>,
    numbers: BTreeMap<String, u64>,
}

impl Names {
    fn number(&mut self, path: &str) -> u64 {
        if path.is_empty() {
            return INodeNo::ROOT.0;
        }
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = self.paths.last_key_value().map_or(2, |(last, _)| last + 1);
        self.paths.insert(number, path.to_owned());
        self.numbers.insert(path.to_owned(), number);
        number
    }

    /// The kernel goes on using a renamed file's number.
    fn renamed(&mut self, from: &str, to: &str) {
        let inner = format!("{from}/");
        let moved: Vec<String> =
            self.numbers.keys().filter(|path| *path == from || path.starts_with(&inner)).cloned().collect();
        for path in moved {
            if let Some(number) = self.numbers.remove(&path) {
                let target = format!("{to}{}", path.get(from.len()..).unwrap_or_default());
                self.paths.insert(number, target.clone());
                self.numbers.insert(target, number);
            }
        }
    }
}

/// What is at a path.
enum Entry {
    Folder(u64),
    File(Vec<u8>, u64),
    Special(String),
    Link(String),
}

impl Tree {
    fn path(&self, ino: INodeNo) -> Result<String, Errno> {
        if ino == INodeNo::ROOT {
            return Ok(String::new());
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.paths.get(&ino.0).cloned().ok_or(Errno::ENOENT)
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> Result<String, Errno> {
        let folder = self.path(parent)?;
        let name = name.to_str().ok_or(Errno::EINVAL)?;
        Ok(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
    }

    fn entry(&self, path: &str) -> Result<Entry, Errno> {
        if path.is_empty() {
            return Ok(Entry::Folder(0));
        }
        if let Some(target) = self.shared.link(path) {
            return Ok(Entry::Link(target));
        }
        if let Some(text) = self.shared.special(path) {
            return Ok(Entry::Special(text));
        }
        match self.shared.store().get(path) {
            Some((Node::Folder, time)) => Ok(Entry::Folder(time)),
            Some((Node::File { data }, time)) => Ok(Entry::File(data.clone(), time)),
            None => Err(Errno::ENOENT),
        }
    }

    fn attributes(&self, path: &str) -> Result<FileAttr, Errno> {
        let secret = path == "priv"
            || path.starts_with("priv/")
            || (path.starts_with("nodes/") && path.split('/').nth(2) == Some("priv"));
        let (kind, mode, size, time) = match self.entry(path)? {
            Entry::Folder(time) => (FileType::Directory, if secret { 0o700 } else { 0o755 }, 0, time),
            Entry::File(data, time) => (FileType::RegularFile, if secret { 0o600 } else { 0o640 }, data.len(), time),
            Entry::Special(text) => (FileType::RegularFile, 0o440, text.len(), 0),
            Entry::Link(target) => (FileType::Symlink, 0o755, target.len(), 0),
        };
        // Without quorum nothing looks writable, as in pmxcfs.
        let perm = if self.shared.may_write() { mode } else { mode & 0o555 };
        let number = self.names.lock().unwrap_or_else(PoisonError::into_inner).number(path);
        let moment = UNIX_EPOCH + Duration::from_secs(time);
        let size = u64::try_from(size).unwrap_or_default();
        Ok(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: moment,
            mtime: moment,
            ctime: moment,
            crtime: moment,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: GROUP,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn content(&self, path: &str) -> Result<Vec<u8>, Errno> {
        match self.entry(path)? {
            Entry::File(data, _) => Ok(data),
            Entry::Special(text) => Ok(text.into_bytes()),
            Entry::Folder(_) => Err(Errno::EISDIR),
            Entry::Link(_) => Err(Errno::EINVAL),
        }
    }

    fn change(&self, op: &Op) -> Result<(), Errno> {
        if op.paths().iter().any(|path| self.shared.link(path).is_some() || special::FILES.contains(path)) {
            return Err(Errno::EACCES);
        }
        self.shared.submit(op).map_err(|refused| match refused {
            Refused::NoQuorum => Errno::EACCES,
            Refused::Exists => Errno::EEXIST,
            Refused::NotFound => Errno::ENOENT,
            Refused::NotEmpty => Errno::ENOTEMPTY,
            Refused::IsFolder => Errno::EISDIR,
            Refused::TooBig => Errno::EFBIG,
            Refused::Unreachable => Errno::EIO,
        })
    }

    fn make(&self, parent: INodeNo, name: &OsStr, op: fn(String) -> Op) -> Result<FileAttr, Errno> {
        let path = self.child(parent, name)?;
        self.change(&op(path.clone()))?;
        self.attributes(&path)
    }

    fn listing(&self, path: &str) -> Result<Vec<(String, FileType)>, Errno> {
        let Entry::Folder(_) = self.entry(path)? else { return Err(Errno::ENOTDIR) };
        let mut list = vec![(".".to_owned(), FileType::Directory), ("..".to_owned(), FileType::Directory)];
        if path.is_empty() {
            list.extend(special::FILES.map(|name| (name.to_owned(), FileType::RegularFile)));
            list.extend(["local", "lxc", "openvz", "qemu-server"].map(|name| (name.to_owned(), FileType::Symlink)));
        }
        let kind = |folder: bool| if folder { FileType::Directory } else { FileType::RegularFile };
        list.extend(self.shared.store().children(path).into_iter().map(|(name, folder)| (name, kind(folder))));
        Ok(list)
    }
}

impl Filesystem for Tree {
    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.child(parent, name).and_then(|path| self.attributes(&path)) {
            Ok(attr) => reply.entry(&NO_CACHE, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.path(ino).and_then(|path| self.attributes(&path)) {
            Ok(attr) => reply.attr(&NO_CACHE, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        // Owner and mode follow from the path; only the size can be set.
        let done = self.path(ino).and_then(|path| {
            if let Some(size) = size {
                self.change(&Op::Truncate { path: path.clone(), size })?;
            }
            self.attributes(&path)
        });
        match done {
            Ok(attr) => reply.attr(&NO_CACHE, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        match self.path(ino).map(|path| self.shared.link(&path)) {
            Ok(Some(target)) => reply.data(target.as_bytes()),
            _ => reply.error(Errno::EINVAL),
        }
    }

    fn mkdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, _mode: u32, _umask: u32, reply: ReplyEntry) {
        match self.make(parent, name, Op::Folder) {
            Ok(attr) => reply.entry(&NO_CACHE, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.make(parent, name, Op::File) {
            Ok(attr) => reply.created(&NO_CACHE, &attr, Generation(0), FileHandle(0), FopenFlags::FOPEN_DIRECT_IO),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.child(parent, name).and_then(|path| self.change(&Op::Remove(path))), reply);
    }

    fn rmdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.child(parent, name).and_then(|path| self.change(&Op::Remove(path))), reply);
    }

    fn rename(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let done = self.child(parent, name).and_then(|from| {
            let to = self.child(newparent, newname)?;
            self.change(&Op::Rename { from: from.clone(), to: to.clone() })?;
            self.names.lock().unwrap_or_else(PoisonError::into_inner).renamed(&from, &to);
            Ok(())
        });
        answer(done, reply);
    }

    fn open(&self, _req: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.path(ino).and_then(|path| self.content(&path)) {
            Ok(data) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
                let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX)).min(data.len());
                reply.data(data.get(start..end).unwrap_or_default());
            }
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let done = self.path(ino).and_then(|path| self.change(&Op::Write { path, offset, data: Bytes(data.to_vec()) }));
        match done {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or_default()),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _lock: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let list = match self.path(ino).and_then(|path| self.listing(&path)) {
            Ok(list) => list,
            Err(error) => return reply.error(error),
        };
        for (index, (name, kind)) in (0_u64..).zip(list).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            // The kernel asks again for what it wants to know of each name.
            if reply.add(INodeNo(u64::MAX), index + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }
}

fn answer(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
