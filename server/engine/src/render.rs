//! The commands of each step, as people read them before and as the digest covers them.

use model::bmc::Power;
use model::ids::OperationId;
use model::plan::{Action, KeyFile, LinkArgument, Plan, Step, SystemPackage};
use model::problem::{Problem, ProblemCode};
use pve::host_keys::{self, HostKeyKind, PublicKey};
use pve::midway;
use pve::packages::Package;
use pve::pvecm::LinkOption;
use pve::ssh_keys::KeyLine;
use pve::unit::{self, UnitName};
use pve::{CommandLine, remedy, ssh_keys};
use uuid::Uuid;

/// Stands for the operation in the names of units, which get theirs when the plan runs.
const OPERATION_TO_BE: &str = "<operation>";
/// The operation of a plan that has none yet.
const NOBODY: Uuid = Uuid::nil();
/// Stands for each of this cluster's ended operations, with a step.
const ANY_STEP: &str = "<ended operation>-<step>";
/// Stands for each copy that a remedy or an undone join of this cluster has kept on the machine.
const ANY_COPY: &str = "<file>.quorate-<copy>";
/// What a withdrawal takes out of a file of keys.
const CONSOLE_KEY: &str = "the console's key";

/// Fills in the commands of every step; `console_key` is the console's own public key, as it will be written down.
///
/// # Errors
/// When a link cannot be written as an argument, or the console's key is none.
pub fn render(mut plan: Plan, console_key: &str) -> Result<Plan, Problem> {
    let key = PublicKey::parse(console_key).map_err(|_| Problem::from(ProblemCode::Internal))?;
    let console = KeyLine::authorized(&key);
    for (index, step) in (0u16..).zip(&mut plan.steps) {
        step.commands = commands(step, index, &console)?;
        if step.action.keeps_database() {
            step.commands.insert(0, to_be(&pve::database::keep(NOBODY.as_u128(), index).display()));
        }
    }
    Ok(plan)
}

/// The name of a step's transient unit on its node: the same operation and step always give the same one.
///
/// # Errors
/// Never: the name is made of what a unit may be called.
pub fn unit_name(operation: OperationId, step: u16) -> Result<UnitName, Problem> {
    let text = format!("quorate-{}-{step}", operation.as_uuid().simple());
    text.parse().map_err(|_| ProblemCode::Internal.into())
}

/// The line as it is shown while there is no operation.
fn to_be(line: &str) -> String {
    line.replace(&NOBODY.simple().to_string(), OPERATION_TO_BE)
}

/// A long command with what takes its transient unit away again.
fn as_unit(command: &CommandLine, step: u16) -> Result<Vec<String>, Problem> {
    let unit = unit_name(OperationId::from_uuid(NOBODY), step)?;
    Ok(vec![command.display(), to_be(&unit::stop(&unit).display()), to_be(&unit::remove_output(&unit).display())])
}

fn commands(step: &Step, index: u16, console: &KeyLine) -> Result<Vec<String>, Problem> {
    let folder = || ssh_keys::make_ssh_folder().display();
    let by_console = |file| ssh_keys::append_line_shown(file, console);
    Ok(match &step.action {
        Action::KeepConsoleKey { account } => keep_console_key(account.as_deref(), console),
        Action::ShareConsoleKey => vec![by_console(ssh_keys::KeyFile::ClusterAuthorizedKeys)],
        Action::CreateCluster { name, links } => as_unit(&pve::pvecm::create(name, &link_options(links)?), index)?,
        Action::MakeRootKey => vec![folder(), ssh_keys::make_root_key().display()],
        Action::AuthorizeRootKey { of_name, file, .. } => {
            let line = ssh_keys::append_shown(key_file(*file), &root_key_of(of_name));
            match file {
                KeyFile::Cluster => vec![line],
                KeyFile::Own => vec![folder(), line],
            }
        }
        Action::TrustHostKeys { of_name, address, .. } => {
            let keys = HostKeyKind::ALL.map(|kind| source(of_name, &host_keys::cat_host_key(kind))).join(" ");
            vec![ssh_keys::append_shown(ssh_keys::KeyFile::KnownHosts, &format!("{address} {keys}"))]
        }
        Action::JoinCluster { member_address, links, .. } => as_unit(&join_command(*member_address, links)?, index)?,
        Action::SetUpQdevice { address, force, .. } => as_unit(&pve::pvecm::qdevice_setup(*address, *force), index)?,
        Action::RemoveQdevice { .. } => as_unit(&pve::pvecm::qdevice_remove(), index)?,
        Action::SetExpected { votes, .. } => vec![pve::pvecm::expected(*votes).display()],
        Action::ForgetRootKey { of_name, file, .. } => {
            ssh_keys::remove_shown(key_file(*file), &root_key_of(of_name)).ok_or(ProblemCode::Internal)?.to_vec()
        }
        Action::ClearLeftovers => vec![clear_leftovers()?, pve::copies::remove_shown(ANY_COPY)],
        Action::RemoveSharedKey => vec![ssh_keys::without_shown(ssh_keys::KeyFile::ClusterAuthorizedKeys, CONSOLE_KEY)],
        Action::RemoveConsoleKey { account } => {
            [ssh_keys::KeyFile::usual(account.as_deref()), ssh_keys::KeyFile::kept(account.as_deref())]
                .map(|file| ssh_keys::without_shown(file, CONSOLE_KEY))
                .to_vec()
        }
        Action::PowerOff { way, .. } => vec![pve::bmc::shown(way, &pve::bmc::set(way, Power::Off))],
        Action::PowerOn { way, .. } => vec![pve::bmc::shown(way, &pve::bmc::set(way, Power::On))],
        Action::InstallChrony => as_unit(&remedy::install_chrony(), index)?,
        Action::InstallPackage { package: wanted } => as_unit(&pve::packages::install(package(*wanted)), index)?,
        Action::ResumeJoin { member_address, links, force, .. } => {
            as_unit(&join_again_command(*member_address, links, *force)?, index)?
        }
        Action::WithdrawRootKey { of_name, .. } => {
            vec![ssh_keys::without_shown(ssh_keys::KeyFile::ClusterAuthorizedKeys, &root_key_of(of_name))]
        }
        Action::RestartCorosync { .. } => vec![pve::systemd::restart(pve::systemd::Service::Corosync).display()],
        remedy => remedy_commands(remedy)?.iter().map(CommandLine::display).collect(),
    })
}

/// Everything that a remedy writes is known when it is planned.
///
/// # Errors
/// For an action that is no remedy.
pub fn remedy_commands(action: &Action) -> Result<Vec<CommandLine>, Problem> {
    Ok(match action {
        Action::ReplaceHosts { old, new, .. } => vec![remedy::replace_hosts(old, new)],
        Action::RestoreHosts { old, new } => vec![remedy::restore_hosts(old, new)],
        Action::SetAsideAuthkey { digest } => vec![remedy::set_aside_authkey(digest)],
        Action::PutBackAuthkey { digest } => vec![remedy::put_back_authkey(digest)],
        Action::SetAsideQdeviceStore { digest } => vec![pve::qdevice::set_aside_store(digest)],
        Action::StartQdevice => vec![pve::qdevice::start_daemon()],
        Action::AllowLinks { name, old, new } => {
            let node = name.parse().map_err(|_| Problem::from(ProblemCode::Internal))?;
            let command = remedy::write_host_firewall(&node, old.as_deref(), new.as_deref());
            vec![command.ok_or(ProblemCode::Internal)?]
        }
        Action::SetTimeZone { to, .. } => vec![remedy::set_time_zone(to)],
        Action::MakeRsaHostKey { .. } => vec![remedy::make_rsa_host_key(), remedy::reload_sshd()],
        Action::EnableChrony => vec![remedy::enable_chrony()],
        Action::StepClock => vec![remedy::step_clock()],
        Action::InstallChrony => vec![remedy::install_chrony()],
        Action::InstallPackage { package: wanted } => vec![pve::packages::install(package(*wanted))],
        Action::StartMember { .. } => vec![midway::start_services()],
        Action::MakeNodeFiles { .. } => vec![pve::pvecm::updatecerts()],
        Action::StopMember => vec![midway::stop_services()],
        Action::RegainQuorum { votes, .. } => vec![pve::pvecm::expected(*votes)],
        Action::RemoveUnjoined { name, .. } => {
            let node = name.parse().map_err(|_| Problem::from(ProblemCode::Internal))?;
            vec![pve::pvecm::delnode(&node), midway::remove_empty_folder(&node)]
        }
        Action::StandAlone { backup } => vec![midway::stand_alone(backup.as_deref()).ok_or(ProblemCode::Internal)?],
        _ => return Err(ProblemCode::Internal.into()),
    })
}

fn keep_console_key(account: Option<&str>, console: &KeyLine) -> Vec<String> {
    let folder = if account.is_some() { ssh_keys::make_login_ssh_folder() } else { ssh_keys::make_ssh_folder() };
    vec![folder.display(), ssh_keys::append_line_shown(ssh_keys::KeyFile::kept(account), console)]
}

/// Of which units something is left is known when it runs.
fn clear_leftovers() -> Result<String, Problem> {
    let nobody = OperationId::from_uuid(Uuid::nil());
    let unit = unit_name(nobody, 0)?;
    let one = nobody.as_uuid().simple().to_string();
    Ok(unit::remove_output(&unit).display().replace(&format!("{one}-0"), ANY_STEP))
}

fn root_key_of(name: &str) -> String {
    source(name, &host_keys::cat_root_key())
}

/// A file that is read on a machine when the plan runs: `pve2:/root/.ssh/id_rsa.pub`.
fn source(name: &str, cat: &CommandLine) -> String {
    format!("{name}:{}", cat.argv().last().copied().unwrap_or_default())
}

/// Which package a plan means.
#[must_use]
pub const fn package(wanted: SystemPackage) -> Package {
    match wanted {
        SystemPackage::CorosyncQnetd => Package::CorosyncQnetd,
        SystemPackage::CorosyncQdevice => Package::CorosyncQdevice,
    }
}

/// Which file of authorised keys a plan means.
#[must_use]
pub const fn key_file(file: KeyFile) -> ssh_keys::KeyFile {
    match file {
        KeyFile::Cluster => ssh_keys::KeyFile::ClusterAuthorizedKeys,
        KeyFile::Own => ssh_keys::KeyFile::AuthorizedKeys,
    }
}

/// The command of a join.
///
/// # Errors
/// When a link cannot be written as an argument.
pub fn join_command(member: std::net::IpAddr, links: &[LinkArgument]) -> Result<CommandLine, Problem> {
    Ok(pve::pvecm::add(member, &link_options(links)?))
}

/// The command of a join that is taken up again.
///
/// # Errors
/// When a link cannot be written as an argument.
pub fn join_again_command(
    member: std::net::IpAddr,
    links: &[LinkArgument],
    force: bool,
) -> Result<CommandLine, Problem> {
    Ok(pve::pvecm::add_again(member, &link_options(links)?, force))
}

/// # Errors
/// When a link number or a priority is outside of what corosync takes.
pub fn link_options(links: &[LinkArgument]) -> Result<Vec<LinkOption>, Problem> {
    links
        .iter()
        .map(|link| {
            let priority = link.priority.map(u8::try_from).transpose().ok().flatten();
            LinkOption::new(link.number, link.address, priority)
                .ok_or_else(|| Problem::new(ProblemCode::LinksIncomplete).with("link", link.number))
        })
        .collect()
}
