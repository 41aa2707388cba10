//! The browser's part: compile to WASM, then let `sitegen` make the site folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::{cargo, folders, npm, run, say, setup, wasm};

/// How the browser's part is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Without link-time optimisation and without wasm-opt: quick to build
    #[value(name = "wasm-demo")]
    Demo,
    /// As small as it gets
    #[value(name = "wasm-release")]
    Release,
}

impl Profile {
    /// The cargo profile's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "wasm-demo",
            Self::Release => "wasm-release",
        }
    }

    fn brotli_quality(self) -> &'static str {
        match self {
            Self::Demo => "5",
            Self::Release => "11",
        }
    }
}

/// What becomes of the linter's warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lints {
    /// It does not run
    Silent,
    /// Each is an error
    Denied,
}

/// A site folder that was built, with the modules' sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub folder: PathBuf,
    /// As wasm-bindgen made it.
    pub raw: u64,
    /// After wasm-opt, as it is served to a browser that takes no compression.
    pub optimised: u64,
    /// As it is served to every other browser: what all pages need, and the sign-in and the list of clusters alone.
    pub brotli: u64,
    /// Room of `app::rooms` -> what its modules add to that.
    pub rooms: BTreeMap<String, u64>,
}

/// Builds the site; steps whose inputs did not change are skipped.
pub fn build(profile: Profile, lints: Lints) -> anyhow::Result<Site> {
    if profile == Profile::Release {
        setup::node_packages()?;
    }
    let module = compile(&wasm::ensure(false)?, profile, lints)?;

    say::say("making the site");
    run::run(generator(profile, &module))?;
    let site = measured()?;
    say::say(format!("the site is in {} ({} KiB of WASM for a browser)", site.folder.display(), site.brotli / 1024));
    Ok(site)
}

/// Compiles the browser's part and says where the module is.
pub fn compile(compiler: &wasm::Compiler, profile: Profile, lints: Lints) -> anyhow::Result<PathBuf> {
    let (mut compile, target) = wasm::cargo_for(compiler)?;
    if lints == Lints::Denied {
        compile = cargo::linting(compile);
    }
    say::say(format!("building the browser part ({})", profile.name()));
    compile
        .args(["build", "--package", "frontend", "--lib", "--target", wasm::TARGET])
        .args(["--profile", profile.name()]);
    run::run(compile)?;
    Ok(target.join(wasm::TARGET).join(profile.name()).join("frontend.wasm"))
}

fn generator(profile: Profile, module: &Path) -> std::process::Command {
    let mut command = cargo::cargo();
    command.args(["run", "--quiet", "--package", "sitegen", "--", "--name", "quorate"]);
    command.arg("--wasm").arg(module);
    command.arg("--out").arg(folders::site());
    command.arg("--work").arg(work());
    command.arg("--style").arg(folders::root().join("style"));
    command.args(["--brotli", profile.brotli_quality()]);
    if profile == Profile::Release {
        command.arg("--wasm-opt").arg(npm::wasm_opt());
    }
    command
}

fn measured() -> anyhow::Result<Site> {
    let file = work().join("sizes.json");
    let text = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let sizes: serde_json::Value = serde_json::from_slice(&text)?;
    let size =
        |name: &str| sizes.get(name).and_then(serde_json::Value::as_u64).with_context(|| format!("no size {name}"));
    let package = folders::site().join("pkg");
    let brotli = compressed(&package, "quorate")?;
    let rooms = rooms(&package)?;
    Ok(Site { folder: folders::site(), raw: size("raw")?, optimised: size("optimised")?, brotli, rooms })
}

/// Bytes of one module as a browser loads it.
fn compressed(package: &Path, module: &str) -> anyhow::Result<u64> {
    let plain = package.join(format!("{module}.wasm"));
    let packed = package.join(format!("{module}.wasm.br"));
    // A module that compression does not make smaller is served as it is.
    let file = if packed.exists() { packed } else { plain };
    let bytes = std::fs::metadata(&file).with_context(|| format!("look at {}", file.display()))?.len();
    ensure!(bytes > 0, "{} is empty", file.display());
    Ok(bytes)
}

fn rooms(package: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let text = std::fs::read(package.join("rooms.json")).context("read the list of rooms")?;
    let rooms: BTreeMap<String, Vec<String>> = serde_json::from_slice(&text)?;
    let sized = rooms.into_iter().map(|(room, modules)| {
        let bytes = modules.iter().map(|module| compressed(package, module)).sum::<anyhow::Result<u64>>()?;
        Ok((plain_name(&room), bytes))
    });
    sized.collect()
}

/// `watch_room_12345` -> `watch`: the library makes the names unique.
fn plain_name(room: &str) -> String {
    room.split("_room").next().unwrap_or(room).to_owned()
}

fn work() -> PathBuf {
    folders::memory().join("site")
}
