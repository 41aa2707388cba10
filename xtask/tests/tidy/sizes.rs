//! Architecture invariant 6: no file over 400 lines, no function over 70.

use crate::functions::functions;
use crate::tree::{none, rust};

const FILE_MAX_LINES: usize = 400;
const FUNCTION_MAX_LINES: usize = 70;

#[test]
fn no_file_is_too_long() {
    let long = rust().into_iter().map(|file| (file.text.lines().count(), file.path));
    let long: Vec<String> = long
        .filter(|(lines, _)| *lines > FILE_MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none("files over 400 lines", &long);
}

#[test]
fn no_function_is_too_long() {
    let mut seen = 0;
    let mut long = Vec::new();
    for file in rust() {
        for function in functions(&file.text) {
            seen += 1;
            if function.lines > FUNCTION_MAX_LINES {
                long.push(format!("{}:{} {}: {} lines", file.path, function.at, function.name, function.lines));
            }
        }
    }
    assert!(seen > 1_000, "only {seen} functions were found: the scanner is broken");
    none("functions over 70 lines", &long);
}
