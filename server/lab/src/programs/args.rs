//! Reading long options the way the simulated programs do.

use std::collections::BTreeMap;

/// Options and positional words of a command line.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) words: Vec<String>,
    pub(crate) options: BTreeMap<String, String>,
}

/// Splits `--name value`, `--name=value` and plain words. Names in `flags` may stand without a value.
pub(crate) fn read(args: &[String], flags: &[&str]) -> Args {
    let mut read = Args::default();
    let mut rest = args.iter().peekable();
    while let Some(arg) = rest.next() {
        let Some(name) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).filter(|name| !name.is_empty())
        else {
            read.words.push(arg.clone());
            continue;
        };
        if let Some((name, value)) = name.split_once('=') {
            read.options.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let value = if flags.contains(&name) {
            rest.next_if(|next| matches!(next.as_str(), "0" | "1")).cloned().unwrap_or_else(|| "1".to_owned())
        } else {
            rest.next().cloned().unwrap_or_default()
        };
        read.options.insert(name.to_owned(), value);
    }
    read
}

impl Args {
    /// Links as `--link0 ADDRESS[,priority=N]`: number to (address, priority).
    pub(crate) fn links(&self) -> BTreeMap<u8, (String, Option<u32>)> {
        (0..8_u8)
            .filter_map(|link| {
                let value = self.options.get(&format!("link{link}"))?;
                let mut parts = value.split(',');
                let address = parts.next()?.trim_start_matches("address=").to_owned();
                let priority = parts.find_map(|part| part.strip_prefix("priority=")?.parse().ok());
                Some((link, (address, priority)))
            })
            .collect()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.options.get(name).is_some_and(|value| value != "0")
    }
}
