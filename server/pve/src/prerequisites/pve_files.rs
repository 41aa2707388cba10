//! Folders and files of corosync and pmxcfs, storages, accounts, certificates, the database.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use crate::files::{self, NodeFolder};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::facts::host::{Accounts, Certificate, Database, Storage};
use model::preflight::Source;
use std::collections::BTreeMap;

const STORAGES_MAX: usize = 1_024;
const ACCOUNTS_MAX: usize = 4_096;
const NODE_CERTIFICATE: &str = "/etc/pve/local/pve-ssl.pem";
const AUTHORITY: &str = "/etc/pve/pve-root-ca.pem";
const REALMS: &str = "/etc/pve/domains.cfg";
const SECOND_FACTORS: &str = "/etc/pve/priv/tfa.cfg";
const DATABASE: &str = "/var/lib/pve-cluster/config.db";
/// Soundness, number and size of the entries, and at most five names that a folder has twice.
const DATABASE_QUERY: &str = "pragma integrity_check; select count(*), ifnull(sum(length(data)),0) from tree; \
    select parent||'/'||name from tree group by parent, name having count(*) > 1 limit 5;";
const DATABASE_LIMIT_S: u32 = 15;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Kinds of entries of user.cfg beside accounts and tokens.
const RULES: [&str; 4] = ["group:", "acl:", "pool:", "role:"];

pub(super) fn second() -> Vec<Question> {
    let cat = |path: &str| CommandLine::reads("cat").arg(path);
    let x509 = |file: &str| CommandLine::reads("openssl").args(["x509", "-in", file, "-noout", "-enddate"]);
    let realms = CommandLine::reads("grep").args(["-c", "-E", "^(ad|ldap|openid):", REALMS]);
    let verify = CommandLine::reads("openssl").args(["verify", "-CAfile", AUTHORITY, NODE_CERTIFICATE]);
    vec![
        Question::new(Source::PveNodes, files::list_all(&NodeFolder::PveNodes), |answer, found| {
            let names = files::names_all(answer)?;
            // pmxcfs always shows it: without it /etc/pve is not mounted.
            found.host.pve_nodes = Ok(names.ok_or_else(|| ParseError::new("ls /etc/pve/nodes", Reason::NoSuchFile))?);
            Ok(())
        }),
        Question::new(Source::CorosyncState, files::list_all(&NodeFolder::CorosyncState), |answer, found| {
            found.host.corosync_state = Ok(files::names_all(answer)?.unwrap_or_default());
            Ok(())
        }),
        Question::new(Source::Storage, cat("/etc/pve/storage.cfg"), |answer, found| {
            found.host.storages = Ok(storages(answer)?);
            Ok(())
        }),
        Question::new(Source::Accounts, cat("/etc/pve/user.cfg"), |answer, found| {
            found.host.accounts = Ok(accounts(answer)?);
            Ok(())
        }),
        // Only counted: domains.cfg may hold a client's key (OpenID Connect), and what is asked is kept as evidence.
        Question::new(Source::Accounts, realms, |answer, found| {
            let count = count_realms(answer)?;
            found.host.accounts = Ok(Accounts { realms: count, ..found.host.accounts.clone().unwrap_or_default() });
            Ok(())
        }),
        // Its secrets are asked for even less.
        Question::new(Source::Accounts, CommandLine::reads("test").args(["-s", SECOND_FACTORS]), |answer, found| {
            let there = files::yes_or_no(answer)?;
            let known = found.host.accounts.clone().unwrap_or_default();
            found.host.accounts = Ok(Accounts { second_factors: there, ..known });
            Ok(())
        }),
        Question::new(Source::Certificate, x509(NODE_CERTIFICATE).args(["-ext", "subjectAltName"]), |answer, found| {
            found.host.certificate = Ok(certificate(answer)?);
            Ok(())
        }),
        Question::new(Source::CertificateAuthority, x509(AUTHORITY), |answer, found| {
            found.host.certificate_authority = Ok(certificate(answer)?);
            Ok(())
        }),
        Question::new(Source::CertificateChain, verify, |answer, found| {
            found.host.certificate_chain = Ok(chain(answer)?);
            Ok(())
        }),
    ]
}

pub(super) fn third() -> Vec<Question> {
    let command = CommandLine::reads("sqlite3").args(["-readonly", DATABASE, DATABASE_QUERY]).limit_s(DATABASE_LIMIT_S);
    vec![Question::new(Source::Database, command, |answer, found| {
        found.host.database = Ok(database(answer)?);
        Ok(())
    })]
}

fn database(answer: Answer<'_>) -> Result<Database, ParseError> {
    const WHAT: &str = "sqlite3";
    let text = answer.printed(WHAT, &[0])?;
    let mut lines = text.lines().map(str::trim);
    let integrity = clean_text(lines.next().unwrap_or_default());
    // A damaged database may have more complaints before the numbers. Where they cannot be counted sqlite3 ends with an error
    // of its own; whatever else has no numbers is no answer of it.
    let counted = lines.by_ref().find_map(|line| {
        let (entries, bytes) = line.split_once('|')?;
        Some((entries.parse().ok()?, bytes.parse().ok()?))
    });
    match counted {
        Some((entries, bytes)) => {
            let doubles = lines.filter(|line| !line.is_empty()).map(clean_text).collect();
            Ok(Database { integrity, entries, bytes, doubles })
        }
        None => Err(ParseError::malformed(WHAT, "the numbers", &text)),
    }
}

/// `None` for a file that is not there.
fn text_of(answer: Answer<'_>, what: &'static str) -> Result<Option<String>, ParseError> {
    match answer.printed(what, &[0]) {
        Ok(text) => Ok(Some(text.into_owned())),
        Err(error) if error.reason == Reason::NoSuchFile => Ok(None),
        Err(error) => Err(error),
    }
}

fn storages(answer: Answer<'_>) -> Result<Vec<Storage>, ParseError> {
    const WHAT: &str = "/etc/pve/storage.cfg";
    let Some(text) = text_of(answer, WHAT)? else { return Ok(Vec::new()) };
    let mut found: Vec<Storage> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let bad = || ParseError::malformed(WHAT, "a line", line);
        if line.starts_with([' ', '\t']) {
            let (key, value) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
            let storage = found.last_mut().ok_or_else(bad)?;
            storage.options.insert(clean_text(key), clean_text(value.trim()));
        } else {
            let (kind, id) = line.split_once(':').ok_or_else(bad)?;
            found.push(Storage { id: clean_text(id.trim()), kind: clean_text(kind), options: BTreeMap::new() });
            at_most(WHAT, found.len(), STORAGES_MAX)?;
        }
    }
    Ok(found)
}

fn accounts(answer: Answer<'_>) -> Result<Accounts, ParseError> {
    const WHAT: &str = "/etc/pve/user.cfg";
    let Some(text) = text_of(answer, WHAT)? else { return Ok(Accounts::default()) };
    let mut found = Accounts::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let name = |rest: &str| clean_text(rest.split(':').next().unwrap_or_default());
        if let Some(rest) = line.strip_prefix("user:") {
            found.users.extend(Some(name(rest)).filter(|name| name != "root@pam"));
        } else if let Some(rest) = line.strip_prefix("token:") {
            found.tokens.push(name(rest));
        } else if RULES.iter().any(|start| line.starts_with(start)) {
            found.rules = found.rules.saturating_add(1);
        } else {
            return Err(ParseError::malformed(WHAT, "an entry", line));
        }
        at_most(WHAT, found.users.len() + found.tokens.len(), ACCOUNTS_MAX)?;
    }
    Ok(found)
}

/// Realms beside `pam` and `pve`; without the file there are none. `grep -c` ends with 1 where it counts 0.
fn count_realms(answer: Answer<'_>) -> Result<u32, ParseError> {
    const WHAT: &str = "grep /etc/pve/domains.cfg";
    match answer.printed(WHAT, &[0, 1]) {
        Ok(text) => text.trim().parse().map_err(|_| ParseError::malformed(WHAT, "a number", &text)),
        Err(error) if error.reason == Reason::NoSuchFile => Ok(0),
        Err(error) => Err(error),
    }
}

fn certificate(answer: Answer<'_>) -> Result<Certificate, ParseError> {
    const WHAT: &str = "openssl x509";
    let text = answer.printed(WHAT, &[0])?;
    let end = text.lines().find_map(|line| line.trim().strip_prefix("notAfter="));
    let end = end.ok_or_else(|| ParseError::missing(WHAT, "the end"))?;
    let not_after = time(end).ok_or_else(|| ParseError::malformed(WHAT, "the end", end))?;
    let parts = || text.lines().flat_map(|line| line.split(',')).map(str::trim);
    Ok(Certificate {
        not_after,
        names: parts().filter_map(|part| part.strip_prefix("DNS:")).map(clean_text).collect(),
        addresses: parts().filter_map(|part| part.strip_prefix("IP Address:")?.parse().ok()).collect(),
    })
}

/// `Nov 20 08:41:56 2028 GMT`.
fn time(text: &str) -> Option<jiff::Timestamp> {
    let mut words = text.split_whitespace();
    let (month, day, clock, year, zone) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let month = i8::try_from(MONTHS.iter().position(|name| *name == month)? + 1).ok()?;
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let moment = DateTime::new(year.parse().ok()?, month, day.parse().ok()?, hour, minute, second, 0).ok()?;
    (zone == "GMT").then(|| moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))?
}

/// OpenSSL's `OK`, or the words of its error.
fn chain(answer: Answer<'_>) -> Result<Result<(), String>, ParseError> {
    const WHAT: &str = "openssl verify";
    let text = answer.text(WHAT)?;
    let stderr = answer.stderr_text();
    if answer.exit == 0 && text.lines().any(|line| line.trim_end().ends_with(": OK")) {
        return Ok(Ok(()));
    }
    let error = text.lines().chain(stderr.lines()).find(|line| line.starts_with("error ") && line.contains("lookup"));
    error.map(|line| Err(clean_text(line))).map(Ok).unwrap_or_else(|| Err(answer.failure(WHAT)))
}
