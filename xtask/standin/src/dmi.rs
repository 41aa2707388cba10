//! `dmidecode -s KEYWORD`: the system's UUID is the one that its BMC tells.

use anyhow::{Context, bail};

use crate::paths;

pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let keyword = match args {
        [option, keyword] if option == "-s" || option == "--string" => keyword.as_str(),
        [word] => match word.strip_prefix("--string=") {
            Some(keyword) => keyword,
            None => bail!("dmidecode: only -s KEYWORD is there on a lab node"),
        },
        _ => bail!("dmidecode: only -s KEYWORD is there on a lab node"),
    };
    match keyword {
        "system-uuid" => println!("{}", std::fs::read_to_string(paths::UUID).context("system's UUID")?.trim()),
        "system-serial-number" | "system-manufacturer" | "system-product-name" => println!("Not Specified"),
        other => bail!("Invalid string keyword: {other}"),
    }
    Ok(0)
}
