//! The console's own knock in words that are kept: no command ran on any node, so nobody else can say what came back.

use super::CONSOLE;
use crate::evidence::of_console;
use crate::ports::{DialError, Endpoint};
use jiff::Timestamp;
use model::host_key::HostKey;
use model::name::SshAddress;
use model::observation::Evidence;

/// What was dialled, what came back, and when.
pub fn dialled(
    address: &SshAddress,
    via: Option<&Endpoint>,
    answer: &Result<HostKey, DialError>,
    (began, ended): (Timestamp, Timestamp),
) -> Evidence {
    let way = via.map(|via| format!(" through {}", place(&via.address))).unwrap_or_default();
    let lines = match answer {
        Ok(key) => vec![format!("it showed its host key: {} {}", key.algorithm, key.fingerprint)],
        Err(error) => words(error),
    };
    of_console(CONSOLE, format!("dial {}{way}", place(address)), &lines, (began, ended))
}

fn place(address: &SshAddress) -> String {
    format!("{}:{}", address.host, address.port)
}

/// The error, what it goes back to, and what the system or the machine said.
fn words(error: &DialError) -> Vec<String> {
    let mut lines = vec![error.to_string()];
    match error {
        // Its own words name the time alone.
        DialError::BackingOff { last, .. } => lines.extend(words(last)),
        other => lines.extend(other.problem().quote),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn said(answer: &Result<HostKey, DialError>) -> Evidence {
        let address = SshAddress { host: "10.0.0.3".into(), port: 22, user: "root".into() };
        dialled(&address, None, answer, (at(7), at(12)))
    }

    fn lines(error: DialError) -> Vec<String> {
        said(&Err(error)).lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn it_says_what_was_dialled_what_came_back_and_when() {
        let silent = said(&Err(DialError::Timeout { seconds: 5 }));
        assert_eq!((silent.node.as_str(), silent.command.as_str()), (CONSOLE, "dial 10.0.0.3:22"));
        assert_eq!((silent.at, silent.millis, silent.exit), (at(12), 5_000, None));
        assert_eq!(silent.lines[0].text, "no answer within 5 s");
        let key = HostKey { algorithm: "ssh-ed25519".into(), base64: "AAAA".into(), fingerprint: "SHA256:x".into() };
        assert_eq!(said(&Ok(key)).lines[0].text, "it showed its host key: ssh-ed25519 SHA256:x");
    }

    #[test]
    fn what_the_system_said_stands_beside_it() {
        let unreachable = || DialError::Unreachable { text: "No route to host".into() };
        assert_eq!(lines(unreachable())[1..], ["No route to host"]);
        let later = DialError::BackingOff { until: at(90), last: Box::new(unreachable()) };
        assert_eq!(lines(later)[2..], ["No route to host"], "why it waits");
    }
}
