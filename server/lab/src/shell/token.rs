//! POSIX quoting, assignments, `;`, `$?`, `$NAME` and the few redirections of the contract; for lines that people paste
//! also `&&`, `~/` and `>>`.

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    /// `$?`
    Status,
    /// `$NAME`
    Variable(String),
    /// `~` before `/`
    Home,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Word(pub(crate) Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// `</dev/null`
    StdinNull,
    /// `>&2`
    StdoutToStderr,
    /// `2>&1`
    StderrToStdout,
    /// `>/dev/null`
    StdoutNull,
    /// `2>/dev/null`
    StderrNull,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Statement {
    pub(crate) assignments: Vec<(String, Word)>,
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
    /// `>> FILE`
    pub(crate) append: Option<Word>,
    /// After `&&`: runs only when the one before has succeeded.
    pub(crate) if_succeeded: bool,
}

const REDIRECTS: [(&str, Redirect); 6] = [
    ("</dev/null", Redirect::StdinNull),
    ("2>/dev/null", Redirect::StderrNull),
    (">/dev/null", Redirect::StdoutNull),
    ("2>&1", Redirect::StderrToStdout),
    (">&2", Redirect::StdoutToStderr),
    ("1>&2", Redirect::StdoutToStderr),
];

/// Reads one line. The error is the first thing that is not understood.
pub(crate) fn parse(line: &str) -> Result<Vec<Statement>, String> {
    let mut statements = Vec::new();
    let mut current = Statement::default();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(first) = rest.chars().next() else { break };
        if first == ';' || first == '\n' {
            rest = rest.get(1..).unwrap_or_default();
            statements.push(std::mem::take(&mut current));
            continue;
        }
        if let Some(after) = rest.strip_prefix("&&").filter(|_| !current.words.is_empty()) {
            rest = after;
            statements.push(std::mem::take(&mut current));
            current.if_succeeded = true;
            continue;
        }
        if let Some(after) = rest.strip_prefix(">>") {
            let (target, _, after) = word(after.trim_start_matches([' ', '\t']))?;
            if target == Word(vec![Piece::Text(String::new())]) {
                return Err(String::new());
            }
            current.append = Some(target);
            rest = after;
            continue;
        }
        if let Some((text, redirect)) = REDIRECTS.iter().find(|(text, _)| rest.starts_with(text)) {
            current.redirects.push(*redirect);
            rest = rest.get(text.len()..).unwrap_or_default();
            continue;
        }
        if first == '#' {
            break;
        }
        let (word, name, after) = word(rest)?;
        match name.filter(|_| current.words.is_empty()) {
            Some((name, value)) => current.assignments.push((name, value)),
            None => current.words.push(word),
        }
        rest = after;
    }
    statements.push(current);
    statements.retain(|one| *one != Statement::default());
    Ok(statements)
}

type Assignment = Option<(String, Word)>;

/// One word, whether it is an assignment, and what follows it.
fn word(text: &str) -> Result<(Word, Assignment, &str), String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut name: Option<(String, usize)> = None;
    let mut chars = text.char_indices().peekable();
    let mut end = text.len();
    while let Some((at, char)) = chars.next() {
        match char {
            ' ' | '\t' | ';' | '\n' => {
                end = at;
                break;
            }
            '\'' => loop {
                match chars.next() {
                    Some((_, '\'')) => break,
                    Some((_, char)) => plain.push(char),
                    None => return Err(String::new()),
                }
            },
            '"' => double_quoted(&mut chars, &mut plain, &mut pieces)?,
            '\\' => match chars.next() {
                Some((_, char)) => plain.push(char),
                None => return Err(String::new()),
            },
            '$' => dollar(&mut chars, &mut plain, &mut pieces)?,
            '~' if at == 0 && text.starts_with("~/") => pieces.push(Piece::Home),
            '=' if name.is_none() && pieces.is_empty() && is_name(&plain) && text.starts_with(&plain) => {
                name = Some((plain.clone(), 0));
                plain.push('=');
            }
            '|' | '&' | '<' | '>' | '(' | ')' | '`' | '*' | '?' | '[' | '{' | '}' | '~' | '!' => {
                return Err(char.to_string());
            }
            _ => plain.push(char),
        }
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    let whole = Word(pieces);
    let assignment = name.map(|(name, _)| {
        let mut value = whole.clone();
        if let Some(Piece::Text(first)) = value.0.first_mut() {
            *first = first.get(name.len() + 1..).unwrap_or_default().to_owned();
        }
        (name, value)
    });
    Ok((whole, assignment, text.get(end..).unwrap_or_default()))
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn double_quoted(chars: &mut Chars<'_>, plain: &mut String, pieces: &mut Vec<Piece>) -> Result<(), String> {
    loop {
        match chars.next() {
            Some((_, '"')) => return Ok(()),
            Some((_, '$')) => dollar(chars, plain, pieces)?,
            Some((_, '`')) => return Err("`".to_owned()),
            Some((_, '\\')) => match chars.next() {
                Some((_, char @ ('"' | '\\' | '$' | '`'))) => plain.push(char),
                Some((_, char)) => plain.extend(['\\', char]),
                None => return Err(String::new()),
            },
            Some((_, char)) => plain.push(char),
            None => return Err(String::new()),
        }
    }
}

fn dollar(chars: &mut Chars<'_>, plain: &mut String, pieces: &mut Vec<Piece>) -> Result<(), String> {
    let mut name = String::new();
    while let Some((_, char)) = chars.peek().copied() {
        if char == '?' && name.is_empty() {
            chars.next();
            push_text(plain, pieces);
            pieces.push(Piece::Status);
            return Ok(());
        }
        if !(char.is_ascii_alphanumeric() || char == '_') {
            break;
        }
        name.push(char);
        chars.next();
    }
    if !is_name(&name) {
        return Err("$".to_owned());
    }
    push_text(plain, pieces);
    pieces.push(Piece::Variable(name));
    Ok(())
}

fn push_text(plain: &mut String, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(std::mem::take(plain)));
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}
