//! Makes checked functions of the locale files.
//!
//! The library's own crate for build scripts also compiles all of ICU's data; this does only what its macro does, with
//! texts as strings besides texts as views, and cargo sees when a file changes.

use leptos_i18n_parser::parse_locales::cfg_file::ConfigFile;
use leptos_i18n_parser::parse_locales::options::Config;
use leptos_i18n_parser::parse_locales::parse_locales;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=locales");
    println!("cargo:rerun-if-changed=Cargo.toml");
    let mut folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut config: Config = ConfigFile::new(&mut folder).map_err(|error| error.to_string())?.into();
    config.options = config.options.interpolate_display(true);
    let parsed = parse_locales(Some(folder), config).map_err(|error| error.to_string())?;
    let code = leptos_i18n_codegen::gen_code(&parsed, None, true, None, false).map_err(|error| error.to_string())?;
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("texts.rs"), code.to_string())?;
    Ok(())
}
