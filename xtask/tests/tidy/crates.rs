//! Architecture invariants 1 to 3: which crate knows which.

use crate::tree::{self, none, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates that make a pure crate impure: runtimes, databases, SSH, the web.
const IMPURE: [&str; 18] = [
    "tokio",
    "async-std",
    "smol",
    "mio",
    "sqlx",
    "sqlx-core",
    "rusqlite",
    "libsqlite3-sys",
    "russh",
    "ssh2",
    "axum",
    "hyper",
    "tower",
    "reqwest",
    "leptos",
    "leptos_axum",
    "web-sys",
    "rustls",
];

/// Who may know whom, in the product itself. Another edge is its own decision.
const EDGES: [(&str, &[&str]); 10] = [
    ("frontend", &["app"]),
    ("app", &["model"]),
    ("model", &[]),
    ("pve", &["model"]),
    ("engine", &["model", "pve"]),
    ("ssh", &["engine", "model", "pve"]),
    ("store", &["engine", "model"]),
    ("faults", &[]),
    ("lab", &["faults"]),
    ("server", &["app", "engine", "lab", "model", "pve", "ssh", "store"]),
];

struct Crate {
    name: String,
    /// Below `xtask/`: tasks, measuring and labs, which may drive every part of the product.
    tool: bool,
    /// Name, kind (`normal`, `dev`, `build`), optional.
    needs: Vec<(String, String, bool)>,
    features: BTreeMap<String, Vec<String>>,
}

#[test]
fn model_and_pve_are_pure() {
    for name in ["model", "pve"] {
        let known = whole_tree(&["--package", name]);
        assert!(known.contains("serde"), "the tree of {name} was not read");
        let impure: Vec<String> =
            IMPURE.iter().filter(|bad| known.contains(**bad)).map(|bad| (*bad).to_owned()).collect();
        none(&format!("{name} has to stay pure, but depends on"), &impure);
    }
}

#[test]
fn the_pages_do_not_see_the_engine() {
    for feature in ["ssr", "hydrate"] {
        let known = whole_tree(&["--package", "app", "--features", feature]);
        assert!(known.contains("leptos") && known.contains("model"), "the tree of app was not read");
        let hidden = ["engine", "ssh", "store", "server", "lab", "pve", "russh", "sqlx"];
        let seen: Vec<String> =
            hidden.iter().filter(|name| known.contains(**name)).map(|name| (*name).to_owned()).collect();
        none(&format!("app with {feature} must not reach"), &seen);
    }
}

#[test]
fn ssh_sql_and_http_have_one_home_each() {
    let homes: [(&str, &[&str]); 4] =
        [("russh", &["lab", "ssh"]), ("sqlx", &["store"]), ("axum", &["server"]), ("leptos_axum", &["app", "server"])];
    let crates = crates();
    for (library, homes) in homes {
        let users: Vec<&str> = crates
            .iter()
            .filter(|one| one.needs.iter().any(|(name, _, _)| name == library))
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(users, homes, "{library} has one home");
    }
}

#[test]
fn crates_know_only_whom_they_may_know() {
    let crates = crates();
    let own: BTreeSet<&str> = crates.iter().map(|one| one.name.as_str()).collect();
    let mut wrong = Vec::new();
    for one in crates.iter().filter(|one| !one.tool) {
        let allowed = EDGES.iter().find(|(name, _)| *name == one.name).map_or(&[] as &[&str], |(_, allowed)| allowed);
        for (need, kind, _) in one.needs.iter().filter(|(need, _, _)| own.contains(need.as_str())) {
            if kind == "normal" && !allowed.contains(&need.as_str()) {
                wrong.push(format!("{} -> {need}", one.name));
            }
        }
    }
    none("edges that the architecture does not have", &wrong);
}

#[test]
fn only_the_demo_needs_the_lab() {
    let crates = crates();
    for one in crates.iter().filter(|one| !one.tool) {
        for (need, kind, optional) in &one.needs {
            if need == "lab" && kind == "normal" {
                assert!(one.name == "server" && *optional, "{} cannot be built without the lab", one.name);
            }
        }
    }
    let server = crates.iter().find(|one| one.name == "server").expect("server");
    for (feature, parts) in &server.features {
        let brings = parts.iter().any(|part| part == "dep:lab" || part == "lab" || part.starts_with("lab/"));
        assert!(
            !brings || feature == "demo" || (feature == "lab" && parts == &["dep:lab"]),
            "feature {feature} brings the lab"
        );
    }
    assert!(server.features.get("demo").is_some_and(|parts| parts.iter().any(|part| part.contains("lab"))));
    let mentions = tree::rust().into_iter().filter(|file| {
        let demo = file.path == "server/src/demo.rs" || file.is_below("server/src/demo");
        let wiring = demo || file.is_below("server/lab") || file.is_below("xtask");
        !wiring && !file.is_test() && file.code().contains("lab::")
    });
    let mentions: Vec<String> = mentions.map(|file| file.path).collect();
    none("only the demo's wiring knows that nodes can be simulated", &mentions);
}

#[test]
fn locks_name_public_registries_only() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("lock");
    let foreign: Vec<String> = lock
        .lines()
        .filter(|line| line.starts_with("source = "))
        .filter(|line| !line.contains("registry+https://github.com/rust-lang/crates.io-index"))
        .map(str::to_owned)
        .collect();
    none("Cargo.lock", &foreign);
    let npm = tree::files("json").into_iter().filter(|file| file.path.ends_with("package-lock.json"));
    for file in npm {
        let foreign: Vec<String> = file
            .text
            .lines()
            .filter(|line| line.contains("\"resolved\":") && !line.contains("https://registry.npmjs.org/"))
            .map(str::to_owned)
            .collect();
        none(&file.path, &foreign);
    }
}

fn cargo(args: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(args).arg("--offline").current_dir(root()).output().expect("cargo");
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The names of all crates that end up in a normal build.
fn whole_tree(of: &[&str]) -> BTreeSet<String> {
    let args = [&["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}"], of].concat();
    cargo(&args).lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn crates() -> Vec<Crate> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).expect("metadata");
    let mut crates: Vec<Crate> = list(&metadata["packages"]).iter().map(of_metadata).collect();
    crates.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(crates.len() >= EDGES.len(), "cargo names {} crates only", crates.len());
    crates
}

fn of_metadata(package: &Value) -> Crate {
    let needs = list(&package["dependencies"])
        .iter()
        .map(|need| {
            (text(&need["name"]), need["kind"].as_str().unwrap_or("normal").to_owned(), need["optional"] == true)
        })
        .collect();
    let features = package["features"].as_object().expect("features").iter();
    let features = features.map(|(name, parts)| (name.clone(), list(parts).iter().map(text).collect())).collect();
    let tool = text(&package["manifest_path"]).starts_with(&root().join("xtask").display().to_string());
    Crate { name: text(&package["name"]), tool, needs, features }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
