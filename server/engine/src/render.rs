//! The commands of each step, as people read them before and as the digest covers them.

use model::plan::{Action, KeyFile, LinkArgument, Plan, Step};
use model::problem::{Problem, ProblemCode};
use pve::pvecm::LinkOption;
use pve::{CommandLine, ssh_keys};

/// Fills in the commands of every step.
///
/// # Errors
/// When a link cannot be written as an argument.
pub fn render(mut plan: Plan) -> Result<Plan, Problem> {
    for step in &mut plan.steps {
        step.commands = commands(step)?;
    }
    Ok(plan)
}

fn commands(step: &Step) -> Result<Vec<String>, Problem> {
    Ok(match &step.action {
        Action::KeepConsoleKey => {
            vec![
                ssh_keys::make_ssh_folder().display(),
                appended(ssh_keys::KeyFile::AuthorizedKeys2, "the console's key"),
            ]
        }
        Action::ShareConsoleKey => vec![appended(ssh_keys::KeyFile::ClusterAuthorizedKeys, "the console's key")],
        Action::CreateCluster { name, links } => vec![pve::pvecm::create(name, &link_options(links)?).display()],
        Action::MakeRootKey => vec![ssh_keys::make_root_key().display()],
        Action::AuthorizeRootKey { of_name, file, .. } => {
            vec![appended(key_file(*file), &format!("/root/.ssh/id_rsa.pub of {of_name}"))]
        }
        Action::TrustHostKeys { of_name, address, .. } => {
            vec![appended(ssh_keys::KeyFile::KnownHosts, &format!("the host keys of {of_name} for {address}"))]
        }
        Action::JoinCluster { member_address, links, .. } => vec![join_command(*member_address, links)?.display()],
        Action::SetUpQdevice { address, .. } => vec![pve::pvecm::qdevice_setup(*address).display()],
        Action::ForgetRootKey { of_name, file, .. } => {
            let text = format!("install -m 600 /dev/stdin {}", path(key_file(*file)));
            vec![format!("{text} < [without /root/.ssh/id_rsa.pub of {of_name}]")]
        }
    })
}

fn appended(file: ssh_keys::KeyFile, what: &str) -> String {
    format!("tee -a {} < [{what}]", path(file))
}

fn path(file: ssh_keys::KeyFile) -> String {
    ssh_keys::cat(file).argv().last().map(|word| (*word).to_owned()).unwrap_or_default()
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
