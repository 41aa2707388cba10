//! `systemd-run --unit=NAME ... -- PROGRAM ARG...`: a transient unit that survives the connection.

use anyhow::{Context, bail};

use crate::init::control::{self, Request};
use crate::init::units::Spec;
use crate::journal::reader::unit_name;
use crate::words;

/// Starts a transient unit; the name may be used once while the unit is loaded.
pub fn systemd_run(args: &[String]) -> anyhow::Result<u8> {
    let mut spec = Spec { transient: true, ..Spec::default() };
    let mut name = format!("run-u{}", words::now_us());
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            break;
        }
        if !word.starts_with('-') {
            spec.command.push(word.clone());
            break;
        }
        match word.split_once('=') {
            Some(("--unit", value)) => name = value.to_owned(),
            Some(("--description", value)) => spec.description = value.to_owned(),
            Some(("--property", value)) => property(&mut spec, value)?,
            Some(("--setenv", value)) => spec.environment.push(value.to_owned()),
            None if word == "--remain-after-exit" || word == "-r" => spec.remain_after_exit = true,
            None if word == "--quiet" || word == "-q" => {}
            None if word == "-p" => property(&mut spec, rest.next().context("-p needs a value")?)?,
            _ => bail!("systemd-run: unrecognized option '{word}'"),
        }
    }
    spec.command.extend(rest.cloned());
    let Some(program) = spec.command.first().cloned() else { bail!("Command line to execute required.") };
    let Some(path) = find(&program) else {
        eprintln!("Failed to find executable {program}: No such file or directory");
        return Ok(1);
    };
    if let Some(first) = spec.command.first_mut() {
        *first = path;
    }
    if spec.description.is_empty() {
        spec.description = spec.command.join(" ");
    }
    let name = unit_name(&name);
    if let Err(error) = control::change(&Request::Transient(name.clone(), spec)) {
        eprintln!("{error}");
        return Ok(1);
    }
    eprintln!("Running as unit: {name}");
    Ok(0)
}

fn property(spec: &mut Spec, text: &str) -> anyhow::Result<()> {
    let (key, value) = text.split_once('=').context("Failed to parse property")?;
    let file = |value: &str| value.trim_start_matches("append:").trim_start_matches("file:").to_owned();
    match key {
        "Type" => {}
        "WorkingDirectory" => value.clone_into(&mut spec.directory),
        "StandardOutput" => spec.stdout = file(value),
        "StandardError" => spec.stderr = file(value),
        "RuntimeMaxSec" => spec.runtime_max = value.trim_end_matches('s').parse().context("RuntimeMaxSec")?,
        other => bail!("Unknown assignment: {other}"),
    }
    Ok(())
}

fn find(program: &str) -> Option<String> {
    if program.contains('/') {
        return std::path::Path::new(program).exists().then(|| program.to_owned());
    }
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    folders.iter().map(|folder| format!("{folder}/{program}")).find(|path| std::path::Path::new(path).exists())
}
