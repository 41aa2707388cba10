//! Putting everything together, listening, and stopping cleanly.

use crate::accounts::Accounts;
use crate::agent::ConsoleAgent;
use crate::background;
use crate::checkpoints;
use crate::config::{Config, prepare_data};
use crate::guesses::Guesses;
use crate::keys::ConsoleKey;
use crate::notify;
use crate::passwords::Passwords;
use crate::proxy;
use crate::routes;
use crate::state::{AppState, DemoPanel};
use crate::system::{SystemClock, SystemIds};
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use engine::Engine;
use engine::audit::Person;
use engine::execute;
use model::audit::{AuditCode, Outcome};
use ssh::{SshDialer, TcpConnector};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::SqliteStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// Name of the database in the data folder.
pub const DATABASE: &str = "quorate.db";
/// Open requests and streams get so long to end.
const GRACE: Duration = Duration::from_secs(3);
/// Operations get so long to let go of the store.
const WORK_STOP: Duration = Duration::from_secs(5);

/// The parts that commands and the server share.
pub struct House {
    pub engine: Engine,
    pub accounts: Accounts,
    pub store: SqliteStore,
    pub agent: Arc<ConsoleAgent>,
}

/// Opens the data folder and wires the engine.
///
/// # Errors
/// When the folder, the database or the keys cannot be used.
pub async fn open(data: &Path) -> anyhow::Result<House> {
    prepare_data(data)?;
    let path: PathBuf = data.join(DATABASE);
    let store = SqliteStore::open(&path).await.with_context(|| format!("opening {}", path.display()))?;
    let key = ConsoleKey::load(&store, data).await?;
    let clock = Arc::new(SystemClock);
    let seal = key.seal();
    let agent = Arc::new(ConsoleAgent::open(data, key.seal(), clock.clone())?);
    let dialer = SshDialer::new(Arc::new(key), clock.clone(), Arc::new(TcpConnector));
    let engine =
        Engine::new(Arc::new(store.clone()), Arc::new(dialer), clock, Arc::new(SystemIds)).with_agent(agent.clone());
    let accounts = Accounts::new(engine.clone(), Passwords::new()?, seal);
    Ok(House { engine, accounts, store, agent })
}

/// The database of a folder that a console has used before; a mistyped folder is not made.
///
/// # Errors
/// Where there is none.
pub fn need_database(data: &Path) -> anyhow::Result<PathBuf> {
    let path = data.join(DATABASE);
    anyhow::ensure!(path.is_file(), "there is no database {}: is --data the console's folder?", path.display());
    Ok(path)
}

/// Serves until SIGTERM or Ctrl-C. `ready` is called once the address is known.
///
/// # Errors
/// When the address is taken or the store fails.
pub async fn serve(
    config: Config,
    house: House,
    demo: Option<Arc<dyn DemoPanel>>,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let House { engine, accounts, store, .. } = house;
    // Before anything is taken up: who cannot serve must not carry out anything either.
    let listener = TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))?;
    // None in a restored backup without its key file: then nothing is signed, and who signed cannot be judged.
    let signer = checkpoints::signing_key(&store, &config.data).await?;
    let engine = engine.trusting(signer.as_ref().map(SigningKey::verifying_key));
    let notifier = Arc::new(notify::notifier(&config.notify, &engine)?);
    let messages = background::messages(&notifier).await?;
    let mut entry = engine.audit.entry(AuditCode::ServerStarted, &Person::system(), Outcome::Success);
    entry.details.insert("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    engine.audit.write(entry).await?;
    execute::recover(&engine).await.map_err(|problem| anyhow::anyhow!("recovering operations failed: {problem}"))?;
    engine.watch_all().await;
    let mut background = background::start(&engine, &store);
    background.extend(messages);
    let checkpointer = signer.map(|key| background::checkpointer(&config, &engine, key, &notifier));
    background.extend(checkpointer.clone().map(|checkpointer| tokio::spawn(checkpointer.run())));
    let leptos = crate::site::options();
    let state = AppState { engine: engine.clone(), accounts, leptos, demo, notifier, guesses: Guesses::default() };
    let router = proxy::behind(routes::router(state, config.secure())?, config.proxy.as_deref());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let address = listener.local_addr()?;
    let handle = axum_server::Handle::new();
    // Before anybody is told that we run: who stops us at once must find us listening for that too.
    let terminate = signal(SignalKind::terminate())?;
    tokio::spawn(stop_on_signal(handle.clone(), terminate));
    ready(address);
    let listener = listener.into_std()?;
    match &config.tls {
        Some(tls) => {
            // Only the first call in a process counts; a second one has the same provider.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let rustls = axum_server::tls_rustls::RustlsConfig::from_pem_file(&tls.certificate, &tls.key)
                .await
                .with_context(|| format!("reading {} and {}", tls.certificate.display(), tls.key.display()))?;
            axum_server::from_tcp_rustls(listener, rustls)?.handle(handle).serve(service).await?;
        }
        None => axum_server::from_tcp(listener)?.handle(handle).serve(service).await?,
    }
    background.iter().for_each(JoinHandle::abort);
    engine.watchers.stop_all();
    // The hour that has begun, too.
    engine.summarise_watching().await?;
    // Operations stop where they stand, and are taken up at the next start; nothing may write once the store closes.
    if !engine.work.stop(WORK_STOP).await {
        tracing::warn!(limit.s = WORK_STOP.as_secs(), "work was still running when the console ended");
    }
    if let Some(checkpointer) = checkpointer
        && let Err(error) = checkpointer.look(true).await
    {
        tracing::error!(audit.error = %error, "the last checkpoint was not signed");
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn stop_on_signal(handle: axum_server::Handle<SocketAddr>, mut terminate: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
    handle.graceful_shutdown(Some(GRACE));
}
