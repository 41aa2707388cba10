//! The simulator's own texts: each constant part of them was printed by something real, or is argued.

use conform::fragments::{argued, fragments, literals, of_the_simulator};
use conform::recording;

#[test]
fn every_text_of_the_simulator_was_seen_somewhere() {
    let recorded = recording::everything().expect("the recordings");
    let argued = argued().expect("the argued fragments");
    let all = of_the_simulator().expect("the simulator's sources");
    assert!(all.len() > 300, "{} fragments only", all.len());
    let mut used = std::collections::BTreeSet::new();
    let mut strange = Vec::new();
    for fragment in all {
        if recorded.contains(&fragment.text) {
            continue;
        }
        if argued.contains_key(&fragment.text) {
            used.insert(fragment.text);
        } else {
            strange.push(format!("{}: {:?}", fragment.file, fragment.text));
        }
    }
    assert!(strange.is_empty(), "{} texts that no real node printed:\n{}", strange.len(), strange.join("\n"));
    let unused: Vec<&String> = argued.keys().filter(|fragment| !used.contains(*fragment)).collect();
    assert!(unused.is_empty(), "argued, and not there or recorded: {unused:#?}");
}

#[test]
fn texts_are_taken_apart_at_their_placeholders() {
    let code = "let a = format!(\"Node {id} was\\tshut {{down}}\\n  by {}\"); // \"not this\"\nlet c = '\"'; let d = \"two \\\n     lines\";";
    let found: Vec<String> = literals(code).iter().flat_map(|text| fragments(text)).collect();
    assert_eq!(found, ["Node", "was\tshut {down}", "by", "two lines"]);
}
