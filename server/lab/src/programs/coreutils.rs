//! Small programs that print facts: `hostname`, `uname`, `date`, `id`, `printf`, `true`.

use super::Env;

/// Process time of a small program, in simulated milliseconds.
const SMALL_MS: u64 = 2;

pub(crate) async fn dispatch(env: &Env, name: &str, args: &[String]) -> Option<i32> {
    let code = match name {
        "true" => 0,
        "false" => 1,
        "hostname" => hostname(env, args).await,
        "uname" => uname(env, args).await,
        "date" => date(env, args).await,
        "id" => id(env, args).await,
        "printf" => printf(env, args).await,
        "echo" => {
            env.print(&format!("{}\n", args.join(" "))).await;
            0
        }
        "sleep" => {
            let seconds: u64 = args.first().and_then(|word| word.parse().ok()).unwrap_or(0);
            env.pause(seconds * 1_000).await;
            0
        }
        _ => return None,
    };
    Some(code)
}

async fn hostname(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    match args.first().map(String::as_str) {
        None => env.print(&format!("{}\n", env.hostname())).await,
        Some("-f") => env.print(&format!("{}.lab.local\n", env.hostname())).await,
        Some("-I") => {
            let addresses = env.world(|world| {
                let nics = world.nodes.get(&env.node).map(|node| node.nics.clone()).unwrap_or_default();
                nics.iter().map(|nic| format!("{} ", nic.address)).collect::<String>()
            });
            env.print(&format!("{addresses}\n")).await;
        }
        Some("-i") => {
            let address = env.world(|world| world.own_address(&env.node)).unwrap_or_default();
            env.print(&format!("{address}\n")).await;
        }
        Some(other) => return env.fail(&format!("hostname: invalid option -- '{other}'"), 255).await,
    }
    0
}

async fn uname(env: &Env, args: &[String]) -> i32 {
    let host = env.hostname();
    let kernel = env.world(|world| world.nodes.get(&env.node).map(|node| node.release.kernel()));
    let text = match args.first().map(String::as_str) {
        Some("-r") => kernel.unwrap_or_default(),
        None | Some("-s") => "Linux",
        Some("-n") => &host,
        Some("-m") => "x86_64",
        Some(other) => return env.fail(&format!("uname: invalid option -- '{other}'"), 1).await,
    };
    env.print(&format!("{text}\n")).await;
    0
}

async fn date(env: &Env, args: &[String]) -> i32 {
    let now = env.world(|world| world.wall_us(&env.node));
    let text = match args.first().map(String::as_str) {
        Some("+%s.%N") => format!("{}.{:06}000", now.div_euclid(1_000_000), now.rem_euclid(1_000_000)),
        Some("+%s") => format!("{}", now.div_euclid(1_000_000)),
        None => super::pve::civil(now, "%a %b %e %H:%M:%S UTC %Y"),
        Some(other) => return env.fail(&format!("date: invalid date '{other}'"), 1).await,
    };
    env.print(&format!("{text}\n")).await;
    0
}

async fn id(env: &Env, args: &[String]) -> i32 {
    let number = if env.is_root() { 0 } else { 1000 };
    let text = match args.first().map(String::as_str) {
        Some("-u") => number.to_string(),
        Some("-un") => env.user.clone(),
        _ => format!("uid={number}({user}) gid={number}({user}) groups={number}({user})", user = env.user),
    };
    env.print(&format!("{text}\n")).await;
    0
}

/// `printf FORMAT ARG...` with `%s`, `%d`, `%%`, `\n`, `\t`, `\\`.
async fn printf(env: &Env, args: &[String]) -> i32 {
    let Some((format, values)) = args.split_first() else {
        return env.fail("printf: usage: printf format [arguments]", 2).await;
    };
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        match (char, char == '%' || char == '\\') {
            ('\\', _) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('\\') => out.push('\\'),
                other => {
                    out.push('\\');
                    out.extend(other);
                }
            },
            ('%', _) => match chars.next() {
                Some('%') => out.push('%'),
                Some('s') => out.push_str(values.next().map_or("", String::as_str)),
                Some('d') => {
                    let value = values.next().map_or("0", String::as_str);
                    if value.parse::<i64>().is_err() {
                        return env.fail(&format!("printf: {value}: expected numeric value"), 1).await;
                    }
                    out.push_str(value);
                }
                other => {
                    let name = other.map(String::from).unwrap_or_default();
                    return env.fail(&format!("printf: %{name}: invalid directive"), 2).await;
                }
            },
            (char, _) => out.push(char),
        }
    }
    env.print(&out).await;
    0
}
