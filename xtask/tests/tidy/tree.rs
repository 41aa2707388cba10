//! The files of the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Folders whose content is built, fetched or recorded.
const NOT_OURS: [&str; 6] = ["target", "node_modules", ".git", "fixtures", "test-results", "playwright-report"];

pub struct File {
    /// From the checkout's root on, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    /// Tests and what they share: they may do what the product may not.
    pub fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        let name = parts.last().copied().unwrap_or_default();
        parts.contains(&"tests") || name == "tests.rs" || name == "fixture.rs" || parts.contains(&"examples")
    }

    /// The code before the tests at the file's end, without comments.
    pub fn code(&self) -> String {
        let product = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn is_below(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Where it is run, not where it was compiled: a target folder may serve two checkouts.
pub fn root() -> &'static Path {
    static HERE: LazyLock<PathBuf> =
        LazyLock::new(|| std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs it").into());
    HERE.parent().expect("xtask lies in the checkout")
}

/// Every file of ours with this ending, in the order of their paths.
pub fn files(ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    walk(root(), &mut |path| {
        if path.extension().is_some_and(|own| own == ending) {
            let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(root()).expect("below the root").display().to_string();
            found.push(File { path, text });
        }
    });
    assert!(!found.is_empty(), "no .{ending} file was found");
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

pub fn rust() -> Vec<File> {
    files("rs")
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let link = path.is_symlink();
        if path.is_dir() && !link && !NOT_OURS.contains(&name.as_str()) {
            walk(&path, visit);
        } else if path.is_file() {
            visit(&path);
        }
    }
}

/// Fails with every offender at once.
pub fn none(what: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{what}:\n  {}", offenders.join("\n  "));
}
