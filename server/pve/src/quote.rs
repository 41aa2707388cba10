//! The only place where an argument becomes part of a shell's line.

/// Quotes one argument for a POSIX shell; plain words stay as they are.
///
/// `None` for text with a NUL byte, which no argument can carry.
#[must_use]
pub fn quote(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    if !text.is_empty() && text.chars().all(is_plain) {
        return Some(text.to_owned());
    }
    Some(format!("'{}'", text.replace('\'', r"'\''")))
}

/// `[A-Za-z0-9_@%+=:,./-]`: no shell gives these a meaning.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c)
}

/// Quotes a whole argument vector, one space between.
pub(crate) fn quote_all<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    // Commands assert at construction that no word has a NUL, so nothing is dropped here.
    words.into_iter().filter_map(quote).collect::<Vec<_>>().join(" ")
}
