//! Every reader of a node's answer is given arbitrary bytes.

use crate::tree::{none, root, rust};

/// Where the tests and the fuzzer list them.
const LIST: &str = "server/pve/tests/support/readers.rs";

#[test]
fn no_reader_is_left_out_of_the_property_test() {
    let list = std::fs::read_to_string(root().join(LIST)).expect("the list of readers");
    let words: Vec<&str> = list.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').collect();
    let readers = readers();
    assert!(readers.len() > 40, "the readers were not found: {readers:?}");
    let missing: Vec<String> = readers.into_iter().filter(|reader| !words.contains(&reader.as_str())).collect();
    none(&format!("readers that {LIST} does not call"), &missing);
}

/// `pve::module::name` of every public function that takes an answer.
fn readers() -> Vec<String> {
    let mut found = Vec::new();
    for file in rust().iter().filter(|file| file.is_below("server/pve/src") && !file.is_test()) {
        let inner = file.path.trim_start_matches("server/pve/src/").trim_end_matches(".rs");
        // Modules inside of a module are private: their readers are handed on by it.
        let module = inner.split('/').next().unwrap_or(inner);
        for signature in file.code().split("pub fn ").skip(1) {
            let signature = signature.split('{').next().unwrap_or_default();
            if signature.contains("Answer<'_>") {
                let name = signature.split(['(', '<']).next().unwrap_or_default();
                found.push(format!("pve::{module}::{name}"));
            }
        }
    }
    found
}
