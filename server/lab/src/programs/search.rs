//! Programs that search: `find` and `grep` below `/etc/pve`, `ss` among the sockets.

use super::Env;
use super::files::may_write;
use crate::node::Kind;
use crate::node::files::Errno;

/// `find FOLDER -maxdepth 0 -perm -0200 -writable`, and `find FOLDER -depth -type d -empty -delete` below `/etc/pve`: the
/// searches that the console makes.
pub(crate) async fn find(env: &Env, args: &[String]) -> i32 {
    let [folder, rest @ ..] = args else { return 1 };
    if rest == ["-maxdepth", "0", "-perm", "-0200", "-writable"] {
        return writable(env, folder).await;
    }
    if rest != ["-depth", "-type", "d", "-empty", "-delete"] {
        return env.fail("find: not understood here", 1).await;
    }
    let done = env.world(|world| {
        let Some(inner) = folder.strip_prefix("/etc/pve/") else { return Err(Errno::Denied) };
        if !world.is_directory(&env.node, folder) {
            return Err(Errno::NotFound);
        }
        if !may_write(env, folder) || !world.pve_writable(&env.node) {
            return Err(Errno::Denied);
        }
        let below = format!("{inner}/");
        let paths: Vec<String> = world.nodes.get(&env.node).map_or_else(Vec::new, |node| {
            node.pmxcfs.db.keys().filter(|path| path.starts_with(&below)).cloned().collect()
        });
        for path in paths.iter().filter(|path| path.ends_with('/')) {
            if !paths.iter().any(|other| other != path && other.starts_with(path.as_str())) {
                world.pve_write(&env.node, path, None);
            }
        }
        Ok(())
    });
    match done {
        Ok(()) => 0,
        Err(error) => env.fail(&format!("find: '{folder}': {}", error.words()), 1).await,
    }
}

/// The folder's name, where its owner has the right to write and this user may.
async fn writable(env: &Env, folder: &str) -> i32 {
    let told =
        env.world(|world| world.is_directory(&env.node, folder).then(|| world.shows_writable(&env.node, folder)));
    match told {
        Some(true) if may_write(env, folder) => env.print(&format!("{folder}\n")).await,
        Some(_) => {}
        None => return env.fail(&format!("find: '{folder}': {}", Errno::NotFound.words()), 1).await,
    }
    0
}

/// `grep -r -l -i -F -e WORD... FOLDER`, below `/etc/pve`: paths of files that hold one of the words.
///
/// And `grep -c -E WORDS FILE`: how many lines begin with a word of `^(WORD|WORD):`.
pub(crate) async fn grep(env: &Env, args: &[String]) -> i32 {
    if let [count, extended, words, file] = args
        && count == "-c"
        && extended == "-E"
    {
        return counted(env, words, file).await;
    }
    let Some((folder, options)) = args.split_last() else { return 2 };
    let words: Vec<String> = options
        .windows(2)
        .filter_map(|pair| match pair {
            [flag, word] if flag == "-e" => Some(word.to_lowercase()),
            _ => None,
        })
        .collect();
    let Some(inner) = folder.strip_prefix("/etc/pve/").filter(|_| !words.is_empty()) else {
        return env.fail("grep: not understood here", 2).await;
    };
    let below = format!("{inner}/");
    let found: Vec<String> = env.world(|world| {
        let Some(node) = world.nodes.get(&env.node).filter(|node| node.pmxcfs.running) else { return Vec::new() };
        let holds = |content: &[u8]| {
            let text = String::from_utf8_lossy(content).to_lowercase();
            words.iter().any(|word| text.contains(word))
        };
        let files = node.pmxcfs.db.iter().filter(|(path, content)| path.starts_with(&below) && holds(content));
        files.map(|(path, _)| format!("/etc/pve/{path}\n")).collect()
    });
    env.print(&found.concat()).await;
    i32::from(found.is_empty())
}

async fn counted(env: &Env, words: &str, file: &str) -> i32 {
    let Some(words) = words.strip_prefix("^(").and_then(|rest| rest.strip_suffix("):")) else {
        return env.fail("grep: not understood here", 2).await;
    };
    let content = match env.world(|world| world.read(&env.node, file)) {
        Ok(content) => content,
        Err(error) => return env.fail(&format!("grep: {file}: {}", error.words()), 2).await,
    };
    let begins = |line: &&str| line.split_once(':').is_some_and(|(word, _)| words.split('|').any(|one| one == word));
    let count = String::from_utf8_lossy(&content).lines().filter(begins).count();
    env.print(&format!("{count}\n")).await;
    i32::from(count == 0)
}

/// `ss -H -l -t -n sport = :PORT`, of what is simulated: qnetd.
pub(crate) async fn ss(env: &Env, args: &[String]) -> i32 {
    let qnetd = env
        .world(|world| world.nodes.get(&env.node).is_some_and(|node| node.kind == Kind::Qnetd && node.qnetd_running));
    if qnetd && args.last().is_some_and(|port| port == ":5403") {
        env.print("LISTEN 0      10                 *:5403             *:*   \n").await;
    }
    0
}
