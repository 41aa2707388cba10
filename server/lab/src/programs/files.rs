//! Programs that read and write files: `cat`, `ls`, `test`, `tee`, `install`, `rm`, `mv`, `tail`, `sha256sum`.

use sha2::{Digest, Sha256};

use super::Env;
use crate::node::files::{Errno, parent};

/// How the console's scripts end when the file is not the one that was read.
const CHANGED: i32 = 75;

pub(crate) async fn dispatch(env: &Env, name: &str, args: &[String]) -> Option<i32> {
    Some(match name {
        "cat" => cat(env, args).await,
        "ls" => ls(env, args).await,
        "test" => test(env, args).await,
        "tee" => tee(env, args).await,
        "touch" => touch(env, args).await,
        "install" => install(env, args).await,
        "rm" => rm(env, args).await,
        "mv" => mv(env, args).await,
        "tail" => tail(env, args).await,
        "sha256sum" => sha256sum(env, args).await,
        _ => return None,
    })
}

/// Reads a file as this user: people who are not root see neither keys nor most of `/etc/pve`.
fn read(env: &Env, path: &str) -> Result<Vec<u8>, Errno> {
    let path = absolute(env, path);
    let path = path.as_str();
    env.world(|world| {
        if !env.is_root() {
            let mode = world.nodes.get(&env.node).and_then(|node| node.files.mode(path));
            let hidden = path.starts_with("/etc/pve") || path.starts_with("/root");
            if hidden || mode.is_some_and(|mode| mode & 0o004 == 0) {
                return Err(Errno::Denied);
            }
        }
        world.read(&env.node, path)
    })
}

/// A path as the program sees it: what is relative begins in the home of who logged in.
pub(crate) fn absolute(env: &Env, path: &str) -> String {
    match (path.starts_with('/'), env.is_root()) {
        (true, _) => path.to_owned(),
        (false, true) => format!("/root/{path}"),
        (false, false) => format!("/home/{}/{path}", env.user),
    }
}

/// Whether this user may write there.
pub(crate) fn may_write(env: &Env, path: &str) -> bool {
    env.is_root() || path.starts_with("/tmp/") || path.starts_with(&format!("/home/{}/", env.user))
}

async fn cat(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for path in args.iter().filter(|arg| *arg != "--") {
        match read(env, path) {
            Ok(content) => env.print_bytes(&content).await,
            Err(error) => code = env.fail(&format!("cat: {path}: {}", error.words()), 1).await,
        }
    }
    code
}

async fn ls(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for path in args.iter().filter(|arg| !arg.starts_with('-')) {
        let hidden = args.iter().any(|arg| arg.starts_with('-') && (arg.contains('A') || arg.contains('a')));
        let found = env.world(|world| match world.list(&env.node, path) {
            Err(_) if world.read(&env.node, path).is_ok() => Ok(vec![path.clone()]),
            other => other,
        });
        let found = if !env.is_root() && path.starts_with("/root") { Err(Errno::Denied) } else { found };
        match found {
            Ok(names) => {
                // `-a` shows the folder itself and the one above, `-A` leaves them out.
                let itself = args.iter().any(|arg| arg.starts_with('-') && arg.contains('a'));
                let names = names.into_iter().filter(|name| hidden || !name.starts_with('.'));
                let names = [".", ".."].into_iter().filter(|_| itself).map(str::to_owned).chain(names);
                env.print(&names.map(|name| format!("{name}\n")).collect::<String>()).await;
            }
            Err(Errno::Denied) => {
                code = env.fail(&format!("ls: cannot open directory '{path}': Permission denied"), 2).await;
            }
            Err(error) => code = env.fail(&format!("ls: cannot access '{path}': {}", error.words()), 2).await,
        }
    }
    code
}

async fn test(env: &Env, args: &[String]) -> i32 {
    if let [one, operator, other] = args {
        let number = |word: &String| word.parse::<i64>().map_err(|_| format!("sh: 1: test: Illegal number: {word}"));
        let unequal = match operator.as_str() {
            "-ne" => number(one).and_then(|one| Ok(one != number(other)?)),
            _ => Err(format!("sh: 1: test: {one}: unexpected operator")),
        };
        return match unequal {
            Ok(unequal) => i32::from(!unequal),
            Err(words) => env.fail(&words, 2).await,
        };
    }
    let [flag, path] = args else { return 2 };
    let path = &absolute(env, path);
    let holds = env.world(|world| match flag.as_str() {
        "-e" => world.exists(&env.node, path),
        "-f" => world.read(&env.node, path).is_ok(),
        "-s" => world.read(&env.node, path).is_ok_and(|content| !content.is_empty()),
        "-d" => world.is_directory(&env.node, path),
        // Root may write whatever the mode is.
        "-w" => may_write(env, path) && world.exists(&env.node, path),
        "-L" => world.nodes.get(&env.node).is_some_and(|node| node.files.is_link(path)),
        "-r" => world.exists(&env.node, path),
        _ => false,
    });
    i32::from(!holds)
}

async fn tee(env: &Env, args: &[String]) -> i32 {
    let append = args.iter().any(|arg| arg == "-a");
    let input = env.stdin.lock().await.all().await;
    let mut code = 0;
    for path in args.iter().filter(|arg| !arg.starts_with('-')) {
        let real = absolute(env, path);
        let done = env.world(|world| match (may_write(env, &real), append) {
            (false, _) => Err(Errno::Denied),
            (true, true) => world.append(&env.node, &real, &input),
            (true, false) => world.write(&env.node, &real, &input, 0o644),
        });
        if let Err(error) = done {
            code = env.fail(&format!("tee: {path}: {}", error.words()), 1).await;
        }
    }
    env.print_bytes(&input).await;
    code
}

async fn touch(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for path in args.iter().filter(|arg| !arg.starts_with('-')) {
        let done = env
            .world(|world| if may_write(env, path) { world.append(&env.node, path, b"") } else { Err(Errno::Denied) });
        if let Err(error) = done {
            code = env.fail(&format!("touch: cannot touch '{path}': {}", error.words()), 1).await;
        }
    }
    code
}

/// `install -d -m MODE DIR...` and `install -m MODE SOURCE TARGET`.
async fn install(env: &Env, args: &[String]) -> i32 {
    let mut words = Vec::new();
    let mut mode = 0o755;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-m" => mode = rest.next().and_then(|word| u32::from_str_radix(word, 8).ok()).unwrap_or(mode),
            "-d" | "-D" | "--" => {}
            word if word.starts_with('-') => {
                return env.fail(&format!("install: invalid option -- '{}'", word.trim_start_matches('-')), 1).await;
            }
            _ => words.push(arg.clone()),
        }
    }
    if args.iter().any(|arg| arg == "-d") {
        for path in &words {
            let real = absolute(env, path);
            if !may_write(env, &real) {
                return env.fail(&format!("install: cannot create directory '{path}': Permission denied"), 1).await;
            }
            env.world(|world| {
                if let Some(node) = world.nodes.get_mut(&env.node) {
                    node.files.make_directory(&real);
                }
            });
        }
        return 0;
    }
    let [source, target] = words.as_slice() else { return env.fail("install: missing file operand", 1).await };
    let content = match source.as_str() {
        "/dev/stdin" => Ok(env.stdin.lock().await.all().await),
        path => read(env, path),
    };
    let content = match content {
        Ok(content) => content,
        Err(error) => return env.fail(&format!("install: cannot stat '{source}': {}", error.words()), 1).await,
    };
    let done = env.world(|world| {
        if !may_write(env, target) {
            return Err(Errno::Denied);
        }
        // `install` makes a new file: a link in its place is replaced, not followed.
        let linked = world.nodes.get(&env.node).is_some_and(|node| node.files.is_link(target));
        if linked && let Some(node) = world.nodes.get_mut(&env.node) {
            node.files.remove(target)?;
        }
        world.write(&env.node, target, &content, mode)
    });
    match done {
        Ok(()) => 0,
        Err(error) => env.fail(&format!("install: cannot create regular file '{target}': {}", error.words()), 1).await,
    }
}

async fn rm(env: &Env, args: &[String]) -> i32 {
    let flag = |letter: char| args.iter().any(|arg| arg.starts_with('-') && arg.contains(letter));
    let (force, trees) = (flag('f'), flag('r'));
    let mut code = 0;
    for path in args.iter().filter(|arg| !arg.starts_with('-')) {
        let done = env.world(|world| match world.nodes.get_mut(&env.node) {
            _ if !may_write(env, path) => Err(Errno::Denied),
            Some(node) if trees && node.files.is_directory(path) => {
                node.files.remove_tree(path);
                Ok(())
            }
            _ => world.remove(&env.node, path),
        });
        match done {
            Ok(()) => {}
            Err(Errno::NotFound) if force => {}
            Err(error) => code = env.fail(&format!("rm: cannot remove '{path}': {}", error.words()), 1).await,
        }
    }
    code
}

/// `mv -f -T SOURCE TARGET`: the target's name, a link too, is taken over.
async fn mv(env: &Env, args: &[String]) -> i32 {
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let [source, target] = words.as_slice() else { return env.fail("mv: missing file operand", 1).await };
    let done = env.world(|world| {
        if !may_write(env, source) || !may_write(env, target) {
            return Err(Errno::Denied);
        }
        world.nodes.get_mut(&env.node).ok_or(Errno::NotFound)?.files.rename(source, target)
    });
    match done {
        Ok(()) => 0,
        Err(error) => env.fail(&format!("mv: cannot move '{source}' to '{target}': {}", error.words()), 1).await,
    }
}

/// `tail -c +OFFSET FILE`, OFFSET counting from 1; `tail -n COUNT FILE`.
async fn tail(env: &Env, args: &[String]) -> i32 {
    let [flag, number, path] = args else { return env.fail("tail: invalid number of arguments", 1).await };
    let content = match read(env, path) {
        Ok(content) => content,
        Err(error) => {
            let words = format!("tail: cannot open '{path}' for reading: {}", error.words());
            return env.fail(&words, 1).await;
        }
    };
    let from = match (flag.as_str(), number.strip_prefix('+')) {
        ("-c", Some(offset)) => offset.parse::<usize>().ok().map(|offset| offset.saturating_sub(1)),
        ("-c", None) => number.parse::<usize>().ok().map(|count| content.len().saturating_sub(count)),
        ("-n", None) => number.parse::<usize>().ok().map(|count| last_lines(&content, count)),
        _ => None,
    };
    let Some(from) = from else { return env.fail(&format!("tail: invalid number of bytes: '{number}'"), 1).await };
    env.print_bytes(content.get(from..).unwrap_or_default()).await;
    0
}

/// Where the last `count` lines begin.
fn last_lines(content: &[u8], count: usize) -> usize {
    let ends: Vec<usize> =
        content.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    match ends.len().checked_sub(count + 1) {
        Some(at) => ends.get(at).copied().unwrap_or(0),
        None => 0,
    }
}

async fn sha256sum(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for path in args.iter().filter(|arg| !arg.starts_with('-')) {
        match read(env, path) {
            Ok(content) => env.print(&format!("{}  {path}\n", hex::encode(Sha256::digest(&content)))).await,
            Err(error) => code = env.fail(&format!("sha256sum: {path}: {}", error.words()), 1).await,
        }
    }
    code
}

/// What the console's script `swap` does: standard input in the file's place, in one move, if the file is the one that was read.
pub(crate) async fn swap(env: &Env, path: &str, digest: &str) -> i32 {
    let input = env.stdin.lock().await.all().await;
    replace(env, path, digest, Some(input)).await
}

/// What the console's script `drop` does.
pub(crate) async fn drop_unchanged(env: &Env, path: &str, digest: &str) -> i32 {
    replace(env, path, digest, None).await
}

async fn replace(env: &Env, path: &str, digest: &str, content: Option<Vec<u8>>) -> i32 {
    let real = absolute(env, path);
    let done = env.world(|world| {
        if !may_write(env, &real) {
            return Err(Errno::Denied);
        }
        let present = world.read(&env.node, &real)?;
        if hex::encode(Sha256::digest(&present)) != digest {
            return Ok(false);
        }
        match &content {
            Some(content) => world.write(&env.node, &real, content, 0o600)?,
            None => world.remove(&env.node, &real)?,
        }
        Ok(true)
    });
    match done {
        Ok(true) => 0,
        Ok(false) => CHANGED,
        Err(error) => env.fail(&format!("sh: 1: cannot create {path}: {}", error.words()), CHANGED).await,
    }
}

/// Whether a file's directory is there.
pub(crate) fn has_parent(env: &Env, path: &str) -> bool {
    env.world(|world| world.is_directory(&env.node, parent(path)))
}
