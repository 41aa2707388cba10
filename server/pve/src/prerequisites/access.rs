//! Settings of sshd, the log-in's shell, and where commands run.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use model::preflight::Source;
use std::collections::BTreeMap;

/// The one word that a quiet shell prints.
const WORD: &str = "quorate-quiet";
/// The most keywords of `sshd -T`.
const KEYWORDS_MAX: usize = 1_024;
/// The most lines of a shell that talks.
const NOISE_MAX: usize = 32;

pub(super) fn second() -> [Question; 2] {
    [
        // By its path: sshd refuses to start by a name alone.
        Question::new(Source::Sshd, CommandLine::reads("/usr/sbin/sshd").arg("-T"), |answer, found| {
            found.host.sshd = Ok(keywords(answer)?);
            Ok(())
        }),
        Question::new(Source::Folder, CommandLine::reads("pwd"), |answer, found| {
            let text = answer.printed("pwd", &[0])?;
            let folder = text.lines().next().map(str::trim).filter(|line| line.starts_with('/'));
            found.host.folder =
                Ok(folder.map(clean_text).ok_or_else(|| ParseError::malformed("pwd", "a path", &text))?);
            Ok(())
        }),
    ]
}

/// In a channel of its own and by the log-in itself, because only its shell reads `.bashrc`.
pub(super) fn quiet() -> Question {
    let command = CommandLine::reads("printf").args(["%s\\n", WORD]).by_login();
    Question::new(Source::QuietShell, command, |answer, found| {
        found.host.shell_noise = Ok(noise(answer)?);
        Ok(())
    })
}

fn noise(answer: Answer<'_>) -> Result<Vec<String>, ParseError> {
    const WHAT: &str = "printf";
    let text = answer.printed(WHAT, &[0])?;
    if !text.lines().any(|line| line.trim_end().ends_with(WORD)) {
        return Err(ParseError::malformed(WHAT, "the word", &text));
    }
    let other = |line: &&str| !line.trim().is_empty() && *line != WORD;
    // A prompt without a line end stands before the word.
    let rest = |line: &str| clean_text(line.strip_suffix(WORD).unwrap_or(line).trim());
    Ok(text.lines().filter(other).take(NOISE_MAX).map(rest).collect())
}

fn keywords(answer: Answer<'_>) -> Result<BTreeMap<String, String>, ParseError> {
    const WHAT: &str = "sshd -T";
    let text = answer.printed(WHAT, &[0])?;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once(' ') else { continue };
        // sshd's keywords are letters and digits (servconf.c); another line is somebody else's.
        if !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            continue;
        }
        found.entry(key.to_ascii_lowercase()).or_insert_with(|| clean_text(value));
        at_most(WHAT, found.len(), KEYWORDS_MAX)?;
    }
    if found.contains_key("port") { Ok(found) } else { Err(ParseError::missing(WHAT, "the port")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keywords_of_sshd_are_taken() {
        let text = "port 22\nAddressFamily any\npermitroo<script>tlogin yes\n\u{1b}[31mx 1\nlisten:address 1\n";
        let found = keywords(Answer::ok(text.as_bytes())).expect("readable");
        let expected = [("addressfamily", "any"), ("port", "22")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(found, BTreeMap::from(expected));
        assert!(keywords(Answer::ok(b"listenaddress 0.0.0.0")).is_err(), "sshd always names its port");
    }
}
