//! Programs that run another program: `timeout`, `env`, `sudo`, `stdbuf`, `sh`.

use std::time::Duration;

use super::{Env, Stdin, run};
use crate::shell;

/// Exit code of `timeout` when the time was over.
const TIMED_OUT: i32 = 124;
/// Exit code of what SIGTERM has ended.
const TERMINATED: i32 = 143;
/// The one script that the console gives to a shell: the program behind it ends with standard input.
const FOLLOW_SCRIPT: &str = "exec 3<&0; { read -r q <&3; kill 0; } >/dev/null 2>&1 & trap \"exit 143\" TERM; \
    \"$@\" 3<&- </dev/null; q=$?; kill $! 2>/dev/null; wait $! 2>/dev/null; exit $q";
/// The console's script that writes a file again, called `swap FILE DIGEST`.
const SWAP_SCRIPT: &str = "f=$1 t=$1.quorate; umask 077; cat >\"$t\" && [ \"$(sha256sum <\"$f\")\" = \"$2  -\" ] && \
    mv -f \"$t\" \"$f\" || { rm -f \"$t\"; exit 75; }";
/// The console's script that removes a file, called `drop FILE DIGEST`.
const DROP_SCRIPT: &str = "[ \"$(sha256sum <\"$1\")\" = \"$2  -\" ] && rm -f \"$1\" || exit 75";
/// What that script's program is called by.
const FOLLOW_NAME: &str = "follow";

pub(crate) fn is_wrapper(name: &str) -> bool {
    matches!(name, "timeout" | "env" | "sudo" | "stdbuf" | "sh")
}

pub(crate) async fn dispatch(env: &Env, name: &str, args: &[String]) -> Option<i32> {
    Some(match name {
        "timeout" => timeout(env, args).await,
        "env" => env_program(env, args).await,
        "sudo" => sudo(env, args).await,
        "stdbuf" => inner(env, "stdbuf", skip_options(args, &[])).await,
        "sh" => sh(env, args).await,
        _ => return None,
    })
}

async fn sh(env: &Env, args: &[String]) -> i32 {
    match args {
        [] => Box::pin(shell::interactive(env)).await,
        [flag, script, name, argv @ ..] if flag == "-c" && script == FOLLOW_SCRIPT && name == FOLLOW_NAME => {
            follow(env, argv).await
        }
        [flag, script, name, path, digest] if flag == "-c" && script == SWAP_SCRIPT && name == "swap" => {
            super::files::swap(env, path, digest).await
        }
        [flag, script, name, path, digest] if flag == "-c" && script == DROP_SCRIPT && name == "drop" => {
            super::files::drop_unchanged(env, path, digest).await
        }
        [flag, script, argv @ ..] if flag == "-c" && argv.len() > 1 => {
            match super::mending::script(env, script, argv).await {
                Some(code) => code,
                None => Box::pin(shell::exec(env, script)).await,
            }
        }
        [flag, line, ..] if flag == "-c" => Box::pin(shell::exec(env, line)).await,
        [file, ..] => env.fail(&format!("sh: 0: cannot open {file}: No such file"), 2).await,
    }
}

/// What [`FOLLOW_SCRIPT`] does: the program has no input, and ends with the end of the shell's own or a line there.
async fn follow(env: &Env, argv: &[String]) -> i32 {
    let program = Env { stdin: Stdin::empty(), ..env.clone() };
    let running = async {
        match run(&program, argv).await {
            Some(code) => code,
            None => {
                let name = argv.first().map_or("", String::as_str);
                env.fail(&format!("{FOLLOW_NAME}: 1: {name}: not found"), shell::NOT_FOUND).await
            }
        }
    };
    let reading = async { env.stdin.lock().await.line().await };
    tokio::select! {
        code = running => code,
        _ = reading => TERMINATED,
    }
}

/// Drops leading options; those in `with_value` take the next word.
fn skip_options<'a>(args: &'a [String], with_value: &[&str]) -> &'a [String] {
    let mut rest = args;
    while let Some((first, after)) = rest.split_first() {
        if !first.starts_with('-') {
            break;
        }
        rest = after;
        if first == "--" {
            break;
        }
        if with_value.contains(&first.as_str()) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    rest
}

async fn inner(env: &Env, wrapper: &str, argv: &[String]) -> i32 {
    match run(env, argv).await {
        Some(code) => code,
        None => {
            let program = argv.first().map_or("", String::as_str);
            let words = match wrapper {
                "env" => format!("env: '{program}': No such file or directory"),
                "sudo" => format!("sudo: {program}: command not found"),
                _ => format!("{wrapper}: failed to run command '{program}': No such file or directory"),
            };
            let code = if wrapper == "sudo" { 1 } else { shell::NOT_FOUND };
            env.fail(&words, code).await
        }
    }
}

async fn timeout(env: &Env, args: &[String]) -> i32 {
    let rest = skip_options(args, &["-k", "-s"]);
    let Some((limit, argv)) = rest.split_first() else {
        return env.fail("timeout: missing operand", 125).await;
    };
    let seconds = limit.trim_end_matches('s').parse::<f64>();
    let Ok(seconds) = seconds else {
        return env.fail(&format!("timeout: invalid time interval '{limit}'"), 125).await;
    };
    // Real seconds: the limit is the caller's patience, not something that the simulation speeds up.
    let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    match tokio::time::timeout(limit, inner(env, "timeout", argv)).await {
        Ok(code) => code,
        Err(_) => TIMED_OUT,
    }
}

async fn env_program(env: &Env, args: &[String]) -> i32 {
    let mut argv = args;
    while let Some((first, rest)) = argv.split_first() {
        if !first.contains('=') {
            break;
        }
        argv = rest;
    }
    inner(env, "env", argv).await
}

async fn sudo(env: &Env, args: &[String]) -> i32 {
    let argv = skip_options(args, &["-u"]);
    let allowed = env.is_root()
        || env.world(|world| {
            let node = world.nodes.get(&env.node)?;
            node.sudo_user.as_ref().map(|user| user.name == env.user)
        }) == Some(true);
    if !allowed {
        return env.fail("sudo: a password is required", 1).await;
    }
    let mut root = env.clone();
    root.user = "root".to_owned();
    inner(&root, "sudo", argv).await
}
