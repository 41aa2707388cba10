//! One minified style sheet out of `style/main.css` and everything it imports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};

use crate::stamps::{Stamps, stamp};
use crate::{Args, Done};

/// Bundles the styles into `pkg/NAME.css`; without a `main.css` there is no style sheet.
pub fn build(args: &Args, stamps: &mut Stamps, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<Done> {
    let main = args.style.join("main.css");
    if !main.is_file() {
        return Ok(Done::Unchanged);
    }
    let output = args.out.join("pkg").join(format!("{}.css", args.name));
    files.insert(output.clone());
    let made_of = stamp_of_sheets(&args.style)?;
    if stamps.fresh("styles", &made_of, &[&output]) {
        return Ok(Done::Unchanged);
    }
    std::fs::create_dir_all(args.out.join("pkg"))?;
    std::fs::write(&output, bundle(&main)?).with_context(|| format!("write {}", output.display()))?;
    stamps.set("styles", made_of);
    Ok(Done::Made)
}

/// The sheet with its `@import`s inlined, minified; nothing is rewritten for older browsers.
fn bundle(main: &Path) -> anyhow::Result<String> {
    let provider = FileProvider::new();
    let mut bundler = Bundler::new(&provider, None, ParserOptions::default());
    // The errors borrow from the bundler: they become text here.
    let mut sheet = bundler.bundle(main).map_err(|error| anyhow!("{error}"))?;
    sheet.minify(MinifyOptions::default()).map_err(|error| anyhow!("{error}"))?;
    let printed = sheet.to_css(PrinterOptions { minify: true, ..PrinterOptions::default() })?;
    Ok(printed.code)
}

fn stamp_of_sheets(folder: &Path) -> anyhow::Result<String> {
    let mut sheets = Vec::new();
    for path in crate::assets::files_below(folder)? {
        if path.extension().is_some_and(|extension| extension == "css") {
            sheets.push(path.display().to_string().into_bytes());
            sheets.push(std::fs::read(&path)?);
        }
    }
    Ok(stamp(&sheets.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_inlined_with_their_layer() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokens.css"), ":root { --gap: 4px; }\n").unwrap();
        let main = folder.path().join("main.css");
        std::fs::write(&main, "@import \"tokens.css\" layer(tokens);\nbody { margin: 0; }\n").unwrap();
        assert_eq!(bundle(&main).unwrap(), "@layer tokens{:root{--gap:4px}}body{margin:0}");
    }

    #[test]
    fn a_missing_import_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.css");
        std::fs::write(&main, "@import \"absent.css\";\n").unwrap();
        assert!(bundle(&main).is_err());
    }

    #[test]
    fn an_edit_in_an_imported_sheet_changes_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = folder.path().join("parts").join("table.css");
        std::fs::create_dir(folder.path().join("parts")).unwrap();
        std::fs::write(&sheet, "td { color: red }").unwrap();
        let before = stamp_of_sheets(folder.path()).unwrap();
        std::fs::write(&sheet, "td { color: blue }").unwrap();
        assert_ne!(stamp_of_sheets(folder.path()).unwrap(), before);
    }
}
