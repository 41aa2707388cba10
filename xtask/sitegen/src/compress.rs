//! A `.br` sibling for every file that compression makes smaller.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use brotli::enc::BrotliEncoderParams;

use crate::stamps::{Stamps, stamp};
use crate::{Args, Done};

/// Fonts in woff2 and pictures are compressed already.
const COMPRESSIBLE: &[&str] = &["js", "wasm", "css", "svg", "txt", "json", "webmanifest", "ttf"];

/// log2 of the window in bytes: 4 MiB covers the whole module.
const WINDOW_BITS: i32 = 22;

/// Writes `FILE.br` beside each compressible file of the site and counts it among the site's files.
pub fn all(args: &Args, stamps: &mut Stamps, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<Done> {
    let mut done = Done::Unchanged;
    for path in files.clone() {
        if !is_compressible(&path) {
            continue;
        }
        let sibling = sibling(&path);
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let key = format!("brotli {}", path.display());
        let made_of = stamp(&[&bytes, &[args.brotli]]);
        if stamps.fresh(&key, &made_of, &[&sibling]) {
            files.insert(sibling);
            continue;
        }
        let small = squeeze(&bytes, args.brotli)?;
        if small.len() >= bytes.len() {
            continue;
        }
        std::fs::write(&sibling, small).with_context(|| format!("write {}", sibling.display()))?;
        files.insert(sibling);
        stamps.set(&key, made_of);
        done = Done::Made;
    }
    Ok(done)
}

fn squeeze(bytes: &[u8], quality: u8) -> anyhow::Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: i32::from(quality),
        lgwin: WINDOW_BITS,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut input = bytes;
    let mut output = Vec::new();
    brotli::BrotliCompress(&mut input, &mut output, &parameters).context("brotli")?;
    Ok(output)
}

fn is_compressible(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| COMPRESSIBLE.contains(&extension))
}

fn sibling(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".br");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_squeezed_comes_back() {
        let text = "quorate ".repeat(1000).into_bytes();
        let small = squeeze(&text, 11).unwrap();
        assert!(small.len() < 100);
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut small.as_slice(), &mut back).unwrap();
        assert_eq!(back, text);
    }

    #[test]
    fn siblings_keep_the_whole_name() {
        assert_eq!(sibling(Path::new("pkg/quorate.wasm")), Path::new("pkg/quorate.wasm.br"));
        assert!(!is_compressible(Path::new("inter.woff2")));
    }
}
