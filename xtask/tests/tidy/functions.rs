//! Finds functions in formatted code: one ends at the first closing brace that stands where it began.

/// A function in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Its first line, from 1 on.
    pub at: usize,
    pub lines: usize,
}

pub fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.iter().enumerate().filter_map(|(at, line)| Some((at, line, name_of(line)?)));
    begins.map(|(at, line, name)| Function { name, at: at + 1, lines: length(line, &lines[at..]) }).collect()
}

fn name_of(line: &str) -> Option<String> {
    let code = line.trim_start();
    let before = code.split("fn ").next()?;
    let words = before.split_whitespace().all(|word| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"") || word.starts_with("pub(")
    });
    let after = code.strip_prefix(before)?.strip_prefix("fn ")?;
    let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (words && !name.is_empty()).then_some(name)
}

fn length(first: &str, rest: &[&str]) -> usize {
    if (first.contains('{') && first.ends_with('}')) || first.ends_with(';') {
        return 1;
    }
    let indent = &first[..first.len() - first.trim_start().len()];
    let mut body = first.ends_with('{');
    for (at, line) in rest.iter().enumerate().skip(1) {
        let own = line.strip_prefix(indent).filter(|own| !own.starts_with(' '));
        // A signature without a body, in a trait.
        if !body && own.is_some_and(|own| own.ends_with(';')) {
            return at + 1;
        }
        if own.is_some_and(|own| own.starts_with('}')) {
            return at + 1;
        }
        body = body || own.is_some_and(|own| own.ends_with('{'));
    }
    rest.len()
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let text = "\
/// fn in_a_comment() {
pub const fn one() -> u8 { 1 }
impl X {
    pub(crate) async fn two(
        a: u8,
    ) -> u8 {
        if a > 0 {
            1
        }
    }
    fn three();
    fn four(
        &self,
    ) -> u8;
}
let fn_five = 5;
";
    let found: Vec<(String, usize, usize)> =
        functions(text).into_iter().map(|one| (one.name, one.at, one.lines)).collect();
    let expected = [("one", 2, 1), ("two", 4, 7), ("three", 11, 1), ("four", 12, 3)];
    assert_eq!(found, expected.map(|(name, at, lines)| (name.to_owned(), at, lines)));
}
