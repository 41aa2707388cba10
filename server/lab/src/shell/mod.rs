//! The two shells of the contract: one command line per exec, and `sh` fed line by line.
//!
//! Small and strict: what it does not understand is a command that is not found, as in dash.

pub(crate) mod token;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::programs::files::may_write;
use crate::programs::{Env, Sink, Stdin, run};
use token::{Piece, Redirect, Statement, Word, parse};

/// Exit code for a command that does not exist.
pub(crate) const NOT_FOUND: i32 = 127;
/// Exit code of a shell that cannot read its input.
const SYNTAX: i32 = 2;

/// State of one shell.
#[derive(Default)]
pub(crate) struct Shell {
    variables: BTreeMap<String, String>,
    status: i32,
}

/// Runs one exec line as the user's login shell does. The result is the exit code.
pub(crate) async fn exec(env: &Env, line: &str) -> i32 {
    Shell::default().line(env, line, "bash: line 1").await
}

/// Runs `sh`: reads lines from standard input until its end.
pub(crate) async fn interactive(env: &Env) -> i32 {
    let mut shell = Shell::default();
    loop {
        let line = env.stdin.lock().await.line().await;
        let Some(line) = line else { return shell.status };
        // What the shell starts reads nothing of the lines meant for the shell itself: it gets its own.
        shell.line(env, &line, "sh: 1").await;
    }
}

impl Shell {
    async fn line(&mut self, env: &Env, line: &str, name: &str) -> i32 {
        let statements = match parse(line) {
            Ok(statements) => statements,
            Err(what) => {
                env.eprint(&format!("{name}: {what}: not found\n")).await;
                self.status = if what.is_empty() { SYNTAX } else { NOT_FOUND };
                return self.status;
            }
        };
        for statement in statements {
            if statement.if_succeeded && self.status != 0 {
                continue;
            }
            self.status = self.statement(env, &statement, name).await;
        }
        self.status
    }

    async fn statement(&mut self, env: &Env, statement: &Statement, name: &str) -> i32 {
        let argv: Vec<String> = statement.words.iter().map(|word| self.expand(env, word)).collect();
        let assigned: Vec<(String, String)> =
            statement.assignments.iter().map(|(key, word)| (key.clone(), self.expand(env, word))).collect();
        let Some(program) = argv.first() else {
            for (key, value) in assigned {
                self.variables.insert(key, value);
            }
            // An assignment alone leaves the status that `$?` just gave it.
            return 0;
        };
        let mut inner = env.clone();
        for redirect in &statement.redirects {
            match redirect {
                Redirect::StdinNull => inner.stdin = Stdin::empty(),
                Redirect::StdoutToStderr => inner.out = inner.err.clone(),
                Redirect::StderrToStdout => inner.err = inner.out.clone(),
                Redirect::StdoutNull => inner.out = Sink::Null,
                Redirect::StderrNull => inner.err = Sink::Null,
            }
        }
        if let Some(target) = &statement.append {
            let path = self.expand(env, target);
            if !may_write(env, &path) {
                env.eprint(&format!("{name}: {path}: Permission denied\n")).await;
                return 1;
            }
            inner.out = Sink::File(path);
        }
        match run(&inner, &argv).await {
            Some(code) => code,
            None => {
                env.eprint(&format!("{name}: {program}: {}\n", not_found(name))).await;
                NOT_FOUND
            }
        }
    }

    fn expand(&self, env: &Env, word: &Word) -> String {
        word.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Status => self.status.to_string(),
                Piece::Home if env.is_root() => "/root".to_owned(),
                Piece::Home => format!("/home/{}", env.user),
                Piece::Variable(name) => self.variables.get(name).cloned().unwrap_or_default(),
            })
            .collect()
    }
}

fn not_found(shell: &str) -> &'static str {
    if shell.starts_with("bash") { "command not found" } else { "not found" }
}
