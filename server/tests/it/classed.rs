//! Every field that people can type is classed: a secret, or something that may stand in a log and the audit.
//!
//! A form that is new and takes a secret fails here until it stands in `authorisation::SECRETS`; from there the canary of
//! `canary.rs` goes through it.

use server::authorisation::{FUNCTIONS, SECRETS};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Texts that are no secrets, by the name of the argument.
const OPEN: &[&str] = &["name", "reason", "comment", "digest", "fingerprint", "query", "id"];

/// Types of arguments that are no texts and hold no secret in any of their fields.
const OPEN_TYPES: &[&str] = &[
    "AuditFilter",
    "BmcWay",
    "CheckId",
    "ClusterId",
    "Consent",
    "FactSource",
    "NewNode",
    "NodeId",
    "OperationId",
    "Option<ClusterId>",
    "Option<Ending>",
    "Option<String>",
    "Option<u64>",
    "Option<Policy>",
    "Policy",
    "RequestId",
    "Role",
    "UserId",
    "Vec<(CheckId, NodeId)>",
    "Vec<Chosen>",
    "Vec<LinkPlan>",
    "Wish",
    "bool",
    "u64",
    "u8",
];

/// Texts that may be left out and are no secrets: function and argument.
const OPEN_OPTIONS: &[(&str, &str)] = &[("evidence", "node")];

/// Server function -> its arguments with their types, from the sources of the signatures.
fn signatures() -> BTreeMap<String, Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/api");
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let source = std::fs::read_to_string(entry.expect("entry").path()).expect("text");
        // At the beginning of a line; before an argument it says what stands for one that is missing.
        for part in source.split("\n#[server(").skip(1) {
            let endpoint =
                part.split("endpoint = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("endpoint");
            let after = part.split_once("pub async fn ").expect("a function").1;
            let arguments = after.split_once('(').and_then(|(_, rest)| rest.split_once(") ->")).expect("arguments").0;
            all.insert(endpoint.to_owned(), split(arguments));
        }
    }
    all
}

/// `a: X, b: Vec<(Y, Z)>`; commas inside brackets separate nothing.
fn split(arguments: &str) -> Vec<(String, String)> {
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in arguments.chars() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            (',', 0) => parts.push(String::new()),
            _ => parts.last_mut().expect("one").push(c),
        }
    }
    let parts = parts.into_iter().filter_map(|part| {
        let (name, kind) = part.split_once(':')?;
        let name = name.rsplit_once(']').map_or(name, |(_, name)| name);
        Some((name.trim().to_owned(), kind.split_whitespace().collect::<Vec<_>>().join(" ")))
    });
    parts.collect()
}

/// Whether an argument, or a field of it, is said to be a secret.
fn is_secret(function: &str, argument: &str) -> bool {
    let fields = SECRETS.iter().filter(|(name, _)| *name == function).flat_map(|(_, fields)| *fields);
    fields.into_iter().any(|field| field.split('.').next() == Some(argument))
}

#[test]
fn every_argument_of_every_server_function_is_classed() {
    let signatures = signatures();
    let table: BTreeSet<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = signatures.keys().map(String::as_str).collect();
    assert_eq!(found, table, "the signatures were not read as they are written");
    let mut open = 0;
    for (function, arguments) in &signatures {
        for (argument, kind) in arguments {
            if is_secret(function, argument) {
                continue;
            }
            open += 1;
            let fine = match kind.as_str() {
                "String" => OPEN.contains(&argument.as_str()),
                "Option<String>" => OPEN_OPTIONS.contains(&(function.as_str(), argument.as_str())),
                other => OPEN_TYPES.contains(&other),
            };
            assert!(
                fine,
                "{function} takes {argument}: {kind}. A secret stands in authorisation::SECRETS; what is none, and holds \
                 none, stands in one of the lists here"
            );
        }
    }
    assert!(open > 50, "only {open} arguments: the signatures were not read");
}

#[test]
fn every_secret_is_an_argument_that_exists() {
    let signatures = signatures();
    let mut seen = BTreeSet::new();
    for (function, fields) in SECRETS {
        assert!(seen.insert(function) && !fields.is_empty(), "{function} stands twice, or says nothing");
        let arguments = &signatures[*function];
        for field in *fields {
            let argument = field.split('.').next().unwrap_or_default();
            assert!(arguments.iter().any(|(name, _)| name == argument), "{function} has no {field}");
        }
    }
}

#[test]
fn what_is_named_like_a_secret_is_one() {
    for (function, arguments) in signatures() {
        for (argument, _) in arguments {
            let sounds = ["password", "secret", "token", "code", "passphrase", "pin"].contains(&argument.as_str());
            assert!(!sounds || is_secret(&function, &argument), "{function} takes {argument}");
        }
    }
}
