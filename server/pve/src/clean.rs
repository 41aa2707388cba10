//! Text from a node on its way to a page, a log or the audit.

/// The longest text that [`clean_text`] lets through, in characters.
const TEXT_MAX_CHARS: usize = 4096;

/// Makes text from a node harmless: see [`clean_text_within`].
#[must_use]
pub fn clean_text(text: &str) -> String {
    clean_text_within(text, TEXT_MAX_CHARS)
}

/// Drops terminal sequences and control characters, turns line breaks and tabs into single blanks,
/// and replaces `<` and `>` by look-alikes, so that the text is no markup even where a page forgets to escape.
///
/// At most `max_chars` characters and an ellipsis come out.
#[must_use]
pub fn clean_text_within(text: &str, max_chars: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_chars));
    let mut written = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if written >= max_chars {
            out.push('…');
            break;
        }
        let shown = match c {
            '\u{1b}' => {
                skip_escape(&mut chars);
                continue;
            }
            // The same in one character, as 8-bit terminals know it.
            '\u{9b}' => {
                skip_csi(&mut chars);
                continue;
            }
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                skip_string(&mut chars);
                continue;
            }
            '\n' | '\r' | '\t' => ' ',
            '<' => '‹',
            '>' => '›',
            c if is_hidden(c) => continue,
            c => c,
        };
        out.push(shown);
        written += 1;
    }
    out
}

/// Control characters, and the ones that reorder or hide what stands beside them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Skips the rest of a terminal sequence: `[ … letter`, a string such as `] … BEL`; anything else is text behind a lone `ESC`.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        // OSC, DCS, SOS, PM, APC: strings for the terminal itself.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        _ => {}
    }
}

/// Skips parameters and the letter that ends them.
fn skip_csi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next_if(|c| c.is_ascii() && !c.is_ascii_control()) {
        if ('@'..='~').contains(&c) {
            return;
        }
    }
}

/// Skips a string up to its end: BEL, `ESC \`, or ST; one without an end goes no further than its line.
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next_if(|c| !matches!(c, '\n' | '\r')) {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}
