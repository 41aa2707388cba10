//! The commands of the binary.

mod audit;
mod notify;

use crate::audit_export::Format;
use crate::config::{self, Checkpoints, Config};
use crate::lock;
use crate::proxy::Proxy;
use crate::serve::{self, House};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::audit::Person;
use engine::ports::{ClusterStore, UserStore};
use model::inventory::Cluster;
use model::role::Role;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// A web console for Proxmox VE clusters.
#[derive(Debug, Parser)]
#[command(name = "quorate", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the console.
    Serve(ServeArgs),
    /// Serve the console with simulated nodes to try it out; on loopback only.
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// People: invite, list, role, disable, reset-second-factor.
    User(UserArgs),
    /// The audit.
    Audit(AuditArgs),
    /// Messages to a webhook and by mail.
    Notify(notify::NotifyCommandArgs),
}

#[derive(Debug, Args)]
struct Data {
    /// Folder of the database and the key files.
    #[arg(long, env = "QUORATE_DATA", default_value = "/var/lib/quorate")]
    data: PathBuf,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    data: Data,
    /// Address and port.
    #[arg(long, env = "QUORATE_LISTEN", default_value = "127.0.0.1:8686")]
    listen: SocketAddr,
    /// PEM file of the certificate chain.
    #[arg(long, env = "QUORATE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the private key.
    #[arg(long, env = "QUORATE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Address, or any name, of the proxy in front of the console that does TLS. `X-Forwarded-For` is believed from that address
    /// only; with a name, from this machine only.
    #[arg(long, env = "QUORATE_BEHIND_PROXY")]
    behind_proxy: Option<String>,
    /// File that gets each signed checkpoint of the audit as a line, best on another machine; in the data folder when left out.
    #[arg(long, env = "QUORATE_CHECKPOINT_FILE")]
    checkpoint_file: Option<PathBuf>,
    /// Send each checkpoint to the system's log too.
    #[arg(long, env = "QUORATE_CHECKPOINT_SYSLOG")]
    checkpoint_syslog: bool,
    #[command(flatten)]
    notify: notify::NotifyArgs,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Simulated Proxmox VE nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub nodes: u8,
    /// Address and port; loopback only.
    #[arg(long, default_value = "127.0.0.1:8686")]
    pub listen: SocketAddr,
    /// Folder of the database and the key files; a temporary one when left out.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// How much faster than real nodes the simulated ones are.
    #[arg(long, default_value_t = 4.0)]
    pub speed: f64,
    /// Only the bare nodes, without the prepared sick cluster.
    #[arg(long)]
    pub bare_only: bool,
    /// Port of the simulated nodes' SSH servers, each on its own loopback address.
    #[arg(long, default_value_t = 2222)]
    pub ssh_port: u16,
}

#[derive(Debug, Args)]
struct UserArgs {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Print a single-use link, good for 30 minutes.
    Invite {
        /// Short for `--role admin`.
        #[arg(long, conflicts_with = "role")]
        admin: bool,
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleWord,
        /// Fix the account's name.
        #[arg(long)]
        name: Option<String>,
        /// What browsers call the console, for the link.
        #[arg(long, env = "QUORATE_URL", default_value = "http://127.0.0.1:8686")]
        url: String,
    },
    /// List the accounts.
    List,
    /// Give an account another role, everywhere or on one cluster. A cluster's role can only raise the general one.
    Role {
        name: String,
        #[arg(value_enum)]
        role: RoleWord,
        /// Name of the cluster.
        #[arg(long)]
        cluster: Option<String>,
    },
    /// End an account and all its sessions.
    Disable { name: String },
    /// Take somebody's second factor away, who has lost device and recovery codes: the password alone opens the account
    /// until a new one is set up. Ends all their sessions; they are told, and the audit keeps it.
    ResetSecondFactor { name: String },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleWord {
    Viewer,
    Operator,
    Approver,
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Operator => Self::Operator,
            RoleWord::Approver => Self::Approver,
            RoleWord::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Args)]
struct AuditArgs {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Read every entry and every link of the chain, and hold them against the checkpoints that the console has signed; exit code 1
    /// when it is broken.
    Verify {
        /// Checkpoints that were kept elsewhere, one a line: each must fit. Shows a cut end and a log computed anew. Without it, those
        /// in the database and in the data folder's `audit-checkpoints.jsonl` must.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
        /// The public key (hex) that must have signed them and the archived parts; that of this console when left out.
        #[arg(long)]
        key: Option<String>,
    },
    /// Close what is written so far: all entries go into a signed file of their own in the folder `audit` beside the database,
    /// and the database goes on from the last one. With the console stopped.
    Archive {
        /// Why, for the entry that tells of it.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Print the public key that signs checkpoints: keep it elsewhere.
    Key,
    /// Print entries, newest first. That it was done is written into the audit.
    Export {
        #[arg(long, value_enum, default_value = "jsonl")]
        format: Format,
        /// Only those that the audit page's address asks for, such as `who=ops-1&code=signed_in`. What is not understood is refused.
        #[arg(long, default_value = "")]
        filter: String,
    },
}

/// Runs a command to its end.
///
/// # Errors
/// With words for the person at the terminal.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("QUORATE_LOG").unwrap_or_else(|_| EnvFilter::new("info,russh=warn"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    match cli.command {
        Command::Serve(args) => serve_console(args).await,
        #[cfg(feature = "demo")]
        Command::Demo(args) => crate::demo::run(args).await,
        Command::User(args) => user(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Notify(args) => notify::run(args).await,
    }
}

async fn serve_console(args: ServeArgs) -> anyhow::Result<()> {
    let tls = config::tls(args.tls_cert, args.tls_key)?;
    let checkpoints = Checkpoints { file: args.checkpoint_file, syslog: args.checkpoint_syslog };
    let (listen, data, proxy) = (args.listen, args.data.data, args.behind_proxy);
    let notify = args.notify.config();
    let config = Config { listen, data, tls, proxy, demo: false, checkpoints, notify }.check()?;
    if let Some(proxy) = &config.proxy {
        let believed = Proxy::of(proxy);
        tracing::info!(proxy, ?believed, "TLS is the proxy's work; it must pass on Host, Origin and X-Forwarded-For");
    }
    config::prepare_data(&config.data)?;
    let _lock = lock::take(&config.data)?;
    store::clear_leftovers(&config.data.join(serve::DATABASE))?;
    let house = serve::open(&config.data).await?;
    let nobody = house.store.users().await?.iter().all(|user| user.disabled);
    let invitation = match nobody {
        true => Some(house.accounts.invite(&Person::system(), Role::Admin, None).await?),
        false => None,
    };
    let scheme = if config.secure() { "https" } else { "http" };
    serve::serve(config, house, None, |address| {
        tracing::info!(%address, "listening");
        if let Some(token) = invitation {
            // Standard output, never the log: whoever has this link becomes the first admin.
            println!("Nobody can sign in yet. The first admin's link, good for 30 minutes and once:");
            println!("  {scheme}://{address}/invite/{}", token.as_str());
        }
    })
    .await
}

async fn user(args: UserArgs) -> anyhow::Result<()> {
    // The first invitation may come before the first start; everything else is about what is there already.
    if !matches!(args.command, UserCommand::Invite { .. }) {
        serve::need_database(&args.data.data)?;
    }
    let house = serve::open(&args.data.data).await?;
    match args.command {
        UserCommand::Invite { admin, role, name, url } => {
            let role = if admin { Role::Admin } else { role.into() };
            let by = Person::system();
            let token = house.accounts.invite(&by, role, name.as_deref()).await?;
            println!("{}/invite/{}", url.trim_end_matches('/'), token.as_str());
        }
        UserCommand::List => {
            for user in house.store.users().await? {
                let state = if user.disabled { "disabled" } else { "active" };
                let last =
                    user.last_sign_in.map_or_else(|| "never signed in".to_owned(), |at| format!("last sign-in {at}"));
                println!("{}\t{}\t{state}\t{last}", user.name, user.access.everywhere.as_str());
            }
        }
        UserCommand::Role { name, role, cluster } => {
            let user = house.store.user_by_name(&name).await.with_context(|| format!("there is no account {name}"))?;
            let role = Role::from(role);
            let cluster = match cluster {
                Some(wanted) => Some(cluster_named(&house, &wanted).await?),
                None => None,
            };
            house.accounts.set_role(&Person::system(), user.id, cluster.as_ref(), role).await?;
            let place = cluster.map_or_else(|| "everywhere".to_owned(), |cluster| format!("on {}", cluster.name));
            println!("{} has the role {} {place}.", user.name, role.as_str());
        }
        UserCommand::Disable { name } => {
            let user = house.store.user_by_name(&name).await.with_context(|| format!("there is no account {name}"))?;
            house.accounts.disable(&Person::system(), user.id).await?;
            println!("{name} is disabled, and signed out everywhere.");
        }
        UserCommand::ResetSecondFactor { name } => {
            let user = house.store.user_by_name(&name).await.with_context(|| format!("there is no account {name}"))?;
            anyhow::ensure!(user.second_factor, "{name} has no second factor");
            house.accounts.reset_factor(&Person::system(), user.id).await?;
            println!("{name} has no second factor any more, and is signed out everywhere.");
        }
    }
    Ok(())
}

async fn cluster_named(house: &House, wanted: &str) -> anyhow::Result<Cluster> {
    let clusters = house.store.clusters().await?;
    clusters
        .into_iter()
        .find(|cluster| cluster.name.as_str() == wanted)
        .with_context(|| format!("there is no cluster {wanted}"))
}
