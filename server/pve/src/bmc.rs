//! A machine's power from outside: `fence_ipmilan` and `ipmitool` on the console's own machine, `qm` and `virsh` on the
//! host that it is a guest of.
//!
//! No line has the password of a BMC: whoever runs `fence_ipmilan` or `ipmitool` gives it in `IPMI_PASSWORD`, which
//! `ipmitool -E` reads. `-v -v` makes the agent tell what `ipmitool` said, which is the only way to know a wrong password
//! from a BMC that is broken (fence_ipmilan(8), `create_command` in its source).

use crate::answer::Answer;
use crate::clean::clean_text_within;
use crate::command::CommandLine;
use model::bmc::{BmcKind, BmcWay, Power, SystemUuid};
use thiserror::Error;

/// The console's own machine, among those where lines run.
const CONSOLE: &str = "console";
/// The agent on the console's own machine.
pub const FENCE_IPMILAN: &str = "fence_ipmilan";
/// The variable in which `ipmitool -E` looks for the password.
pub const PASSWORD_VARIABLE: &str = "IPMI_PASSWORD";
/// What it calls, and what tells the UUID.
pub const IPMITOOL: &str = "ipmitool";
/// How long `ipmitool` may take for one answer before the agent gives up, in seconds: a BMC that is there answers in one.
const ANSWER_LIMIT_S: u32 = 12;
/// The time limit of a question, in seconds.
const ASK_LIMIT_S: u32 = 20;
/// How long the agent waits for the state that it was asked for, in seconds.
const REACH_LIMIT_S: u32 = 30;
/// The time limit of a change, in seconds: two questions, the change, and the waiting between.
const CHANGE_LIMIT_S: u32 = 90;
/// The longest line that a fault quotes, in characters.
const QUOTE_MAX_CHARS: usize = 200;

/// What `ipmitool` says of an account or a password that the BMC does not take (`lib/src/plugins/lanplus`, `lan`).
const REFUSED: [&str; 5] = [
    "RAKP 2 HMAC is invalid",
    "unauthorized name",
    "unauthorized role",
    "RAKP 4 message has invalid integrity check value",
    "Invalid user name",
];
/// How it begins to say why there is no session; what comes behind that says less (`Unable to establish ...`).
const CAUSES: [&str; 11] = [
    "Error in open session response message",
    "RAKP 2 message indicates an error",
    "RAKP 4 message indicates an error",
    "RAKP 2 HMAC is invalid",
    "RAKP 4 message has invalid integrity check value",
    "Unsupported cipher suite ID",
    "Invalid user name",
    "No session slot available",
    "Requested privilege level exceeds limit",
    "Insufficient privilege level",
    "Set Session Privilege Level to ADMINISTRATOR failed",
];
/// How the agent begins to tell of each run of `ipmitool` (`run_command` in its `fencing.py`).
const RUN: &str = "Executing: ";
/// What it and the agent say where nobody answers.
const SILENT: [&str; 5] = [
    "Connection timed out",
    "Get Auth Capabilities error",
    "Address lookup for",
    "Could not open socket",
    "No route to host",
];

/// Why an answer does not say whether a machine has power.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PowerFault {
    /// Said when the BMC was first asked, so that nothing has reached it: of a change, nothing was asked for.
    #[error("the account or the password is not accepted")]
    Refused,
    #[error("nobody answers")]
    Unreachable,
    #[error("{program} is not installed")]
    AgentMissing { program: &'static str },
    #[error("the answer came too late")]
    TimedOut,
    #[error("it tells no UUID that tells machines apart")]
    NoUuid { line: String },
    /// Anything else, paused and crashed guests among it.
    #[error("the answer is neither on nor off: {line}")]
    Unclear { line: String },
}

/// `fence_ipmilan ... --action=status`, `qm status N` or `virsh domstate NAME`.
#[must_use]
pub fn status(way: &BmcWay) -> CommandLine {
    match way {
        BmcWay::Ipmi { .. } => {
            let command = agent(CommandLine::reads(FENCE_IPMILAN), way, "status");
            command.arg(format!("--power-timeout={ANSWER_LIMIT_S}")).limit_s(ASK_LIMIT_S)
        }
        BmcWay::Qm { vmid, .. } => CommandLine::reads("qm").arg("status").arg(vmid.to_string()).limit_s(ASK_LIMIT_S),
        BmcWay::Virsh { domain, .. } => virsh(CommandLine::reads("virsh"), "domstate", domain).limit_s(ASK_LIMIT_S),
    }
}

/// `fence_ipmilan ... --action=on|off`, `qm start|stop N`, `virsh start|destroy NAME`.
#[must_use]
pub fn set(way: &BmcWay, power: Power) -> CommandLine {
    let word = |on: &'static str, off: &'static str| if power == Power::On { on } else { off };
    match way {
        BmcWay::Ipmi { .. } => {
            let command = agent(CommandLine::changes(FENCE_IPMILAN), way, word("on", "off"));
            command.arg(format!("--power-timeout={REACH_LIMIT_S}"))
        }
        BmcWay::Qm { vmid, .. } => CommandLine::changes("qm").arg(word("start", "stop")).arg(vmid.to_string()),
        BmcWay::Virsh { domain, .. } => virsh(CommandLine::changes("virsh"), word("start", "destroy"), domain),
    }
    .limit_s(CHANGE_LIMIT_S)
}

/// `ipmitool ... chassis power on|off`: what a person without our shim around `ipmitool` runs, with the password in
/// [`PASSWORD_VARIABLE`]. `None` for guests, whose line is [`set`]'s.
#[must_use]
pub fn by_hand(way: &BmcWay, power: Power) -> Option<CommandLine> {
    let command = ipmitool(CommandLine::changes(IPMITOOL), way)?;
    Some(command.args(["chassis", "power", power.word()]).limit_s(ASK_LIMIT_S))
}

/// `ipmitool -v ... mc guid`, `qm config N` or `virsh domuuid NAME`.
#[must_use]
pub fn uuid(way: &BmcWay) -> CommandLine {
    match way {
        BmcWay::Ipmi { .. } => {
            // Without `-v` it says of a wrong password only that there is no session, as of a BMC that is broken.
            let line = CommandLine::reads(IPMITOOL).arg("-v");
            ipmitool(line.clone(), way).unwrap_or(line).args(["mc", "guid"])
        }
        BmcWay::Qm { vmid, .. } => CommandLine::reads("qm").arg("config").arg(vmid.to_string()),
        BmcWay::Virsh { domain, .. } => virsh(CommandLine::reads("virsh"), "domuuid", domain),
    }
    .limit_s(ASK_LIMIT_S)
}

/// With where and who; the password comes from the environment (`-E`).
fn ipmitool(command: CommandLine, way: &BmcWay) -> Option<CommandLine> {
    let BmcWay::Ipmi { host, port, user, lanplus, cipher } = way else { return None };
    let mut command = command.args(["-I", if *lanplus { "lanplus" } else { "lan" }]);
    if *lanplus {
        command = command.arg("-C").arg(cipher.to_string());
    }
    Some(command.arg("-H").arg(host).arg("-p").arg(port.to_string()).arg("-U").arg(user).arg("-E"))
}

/// `cat /sys/class/dmi/id/product_uuid`: what a machine's own firmware tells, only to root; and for a kernel that does not
/// show it, `dmidecode -s system-uuid`, which reads the same table of the firmware.
#[must_use]
pub fn own_uuid() -> [CommandLine; 2] {
    let file = CommandLine::reads("cat").arg("/sys/class/dmi/id/product_uuid");
    [file, CommandLine::reads("dmidecode").args(["-s", "system-uuid"])]
}

/// A line as people read it: with where it runs, because that is not the machine that it is about.
#[must_use]
pub fn shown(way: &BmcWay, command: &CommandLine) -> String {
    match way {
        BmcWay::Ipmi { .. } => format!("[{CONSOLE}] {command}"),
        BmcWay::Qm { outer_name, .. } | BmcWay::Virsh { outer_name, .. } => format!("[{outer_name}] {command}"),
    }
}

fn agent(command: CommandLine, way: &BmcWay, action: &str) -> CommandLine {
    let BmcWay::Ipmi { host, port, user, lanplus, cipher } = way else { return command };
    let mut command =
        command.arg(format!("--ip={host}")).arg(format!("--ipport={port}")).arg(format!("--username={user}"));
    if *lanplus {
        command = command.arg("--lanplus").arg(format!("--cipher={cipher}"));
    }
    // Off and on apart: with `cycle` a BMC may report success before anything is off (fence_ipmilan(8)).
    command.arg("--method=onoff").arg(format!("--action={action}")).args(["-v", "-v"])
}

fn virsh(command: CommandLine, verb: &str, domain: &str) -> CommandLine {
    command.args(["--connect", "qemu:///system", verb, domain])
}

/// What the answer to [`status`] says. Nothing but the exact words count: a guest that is paused or crashed is not off.
///
/// # Errors
/// Why it does not say.
pub fn power(answer: Answer<'_>, kind: BmcKind) -> Result<Power, PowerFault> {
    let said = Said::of(answer);
    match (kind, said.last_line()) {
        (BmcKind::Ipmi, "Status: ON") if answer.exit == 0 => Ok(Power::On),
        (BmcKind::Ipmi, "Status: OFF") if answer.exit == 2 => Ok(Power::Off),
        (BmcKind::Qm, "status: running") | (BmcKind::Virsh, "running") if said.is_one(answer) => Ok(Power::On),
        (BmcKind::Qm, "status: stopped") | (BmcKind::Virsh, "shut off") if said.is_one(answer) => Ok(Power::Off),
        _ => Err(said.fault(answer, kind)),
    }
}

/// Whether the answer to [`set`] says that it was done. What proves it is the power that is read afterwards.
///
/// # Errors
/// What went wrong.
pub fn done(answer: Answer<'_>, kind: BmcKind) -> Result<(), PowerFault> {
    let said = Said::of(answer);
    let words = kind != BmcKind::Ipmi || said.last_line().starts_with("Success: ");
    if answer.exit == 0 && words { Ok(()) } else { Err(said.fault(answer, kind)) }
}

/// The UUID in the answer to [`uuid`].
///
/// # Errors
/// Why there is none.
pub fn told_uuid(answer: Answer<'_>, kind: BmcKind) -> Result<SystemUuid, PowerFault> {
    let said = Said::of(answer);
    if answer.exit != 0 {
        return Err(said.fault(answer, kind));
    }
    let value = match kind {
        BmcKind::Ipmi => said.stdout.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "System GUID").then_some(value)
        }),
        BmcKind::Qm => said.stdout.lines().find_map(|line| {
            let values = line.strip_prefix("smbios1:")?;
            values.split(',').find_map(|pair| pair.trim().strip_prefix("uuid="))
        }),
        BmcKind::Virsh => Some(said.last_line()),
    };
    let value = value.unwrap_or_default().trim();
    value.parse().map_err(|_| PowerFault::NoUuid { line: said.quote(value) })
}

/// The UUID in the answer to [`own_uuid`].
///
/// # Errors
/// Why there is none.
pub fn own_uuid_told(answer: Answer<'_>) -> Result<SystemUuid, PowerFault> {
    let said = Said::of(answer);
    if answer.timed_out() {
        return Err(PowerFault::TimedOut);
    }
    said.last_line().parse().map_err(|_| PowerFault::NoUuid { line: said.quote(said.last_line()) })
}

/// An answer as text, whatever bytes it has.
struct Said {
    stdout: String,
    stderr: String,
}

impl Said {
    fn of(answer: Answer<'_>) -> Self {
        let cut = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes.get(..bytes.len().min(crate::INPUT_MAX_BYTES)).unwrap_or_default())
                .into_owned()
        };
        Self { stdout: cut(answer.stdout), stderr: cut(answer.stderr) }
    }

    fn last_line(&self) -> &str {
        self.stdout.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
    }

    /// That line is everything, and the command says that it went well.
    fn is_one(&self, answer: Answer<'_>) -> bool {
        answer.exit == 0 && self.stdout.trim() == self.last_line()
    }

    fn says(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.stderr.contains(sign) || self.stdout.contains(sign))
    }

    /// What `ipmitool` said when the agent ran it for the first time, which is a question; all of it where there is no agent.
    fn first_run(&self) -> &str {
        let mut runs = self.stderr.splitn(3, RUN);
        let before = runs.next().unwrap_or_default();
        runs.next().unwrap_or(before)
    }

    /// The last reason that `ipmitool` gave, without what stands before it in the agent's log.
    fn cause(&self) -> Option<&str> {
        let begins = |line: &str| CAUSES.iter().filter_map(|cause| line.find(*cause)).min();
        self.stderr.lines().rev().find_map(|line| line.get(begins(line)?..)).map(str::trim)
    }

    fn fault(&self, answer: Answer<'_>, kind: BmcKind) -> PowerFault {
        let program = match kind {
            BmcKind::Ipmi => IPMITOOL,
            BmcKind::Qm => "qm",
            BmcKind::Virsh => "virsh",
        };
        if answer.timed_out() {
            PowerFault::TimedOut
        } else if answer.exit == 127 || self.says(&["Ipmitool not found"]) {
            PowerFault::AgentMissing { program }
        } else if kind == BmcKind::Ipmi && REFUSED.iter().any(|sign| self.first_run().contains(sign)) {
            PowerFault::Refused
        } else if kind == BmcKind::Ipmi && self.says(&SILENT) {
            PowerFault::Unreachable
        } else {
            let last = || self.stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
            let line = self.cause().or_else(last).unwrap_or_else(|| self.last_line());
            PowerFault::Unclear { line: self.quote(line) }
        }
    }

    fn quote(&self, line: &str) -> String {
        clean_text_within(line, QUOTE_MAX_CHARS)
    }
}
