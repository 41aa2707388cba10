//! Pulling and plugging cables at the switch.

use anyhow::bail;

use crate::layout::{Host, SWITCH};
use crate::tool;

/// Sets the switch's port of a host's link (`0`, `1` or `all`) up or down.
pub fn set(host: &Host, link: &str, up: bool) -> anyhow::Result<()> {
    let links: &[u8] = match (link, host.link1.is_some()) {
        ("0", _) | ("all", false) => &[0],
        ("1", true) => &[1],
        ("all", true) => &[0, 1],
        _ => bail!("{} has no link {link} (0, 1 or all)", host.name),
    };
    for link in links {
        tool::run("ip", &["-n", SWITCH, "link", "set", &host.port(*link), if up { "up" } else { "down" }])?;
    }
    Ok(())
}
