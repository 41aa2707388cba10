//! The site is embedded; a build without one still compiles, and says so when it is asked for a page.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-env-changed=QUORATE_SITE_DIR");
    let Ok(folder) = std::env::var("QUORATE_SITE_DIR") else {
        println!(
            "cargo::error=QUORATE_SITE_DIR is not set: build inside the workspace, whose cargo configuration sets it"
        );
        return;
    };
    if let Err(error) = std::fs::create_dir_all(Path::new(&folder)) {
        println!("cargo::error=the folder {folder} for the site cannot be made: {error}");
    }
    // Only a release build embeds; others read the folder while they run, so a new site needs no new server.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={folder}");
    }
}
