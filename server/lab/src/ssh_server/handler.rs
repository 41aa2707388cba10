//! What the server does with a session: log in, run one program per channel, stop it when the channel closes.

use std::collections::HashMap;
use std::sync::Arc;

use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Handle, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::node::keys::{openssh, type_and_blob};
use crate::programs::{Env, Sink, Stdin, Stream, ssh};
use crate::shared::Shared;
use crate::shell;

/// Extended data of this kind is standard error (RFC 4254, 5.2).
const STDERR: u32 = 1;
const SSH_PORT: u32 = 22;
/// Pieces of output that wait to be sent.
const OUTPUT_QUEUE: usize = 64;
/// Bytes of input that one program may leave unread.
const INPUT_BYTES_MAX: usize = 8 * 1024 * 1024;

struct Running {
    task: AbortHandle,
    stdin: Option<mpsc::UnboundedSender<Vec<u8>>>,
    received: usize,
}

pub(crate) struct Handler {
    shared: Arc<Shared>,
    node: String,
    user: String,
    running: HashMap<ChannelId, Running>,
}

impl Handler {
    pub(crate) fn new(shared: Arc<Shared>, node: String) -> Self {
        Self { shared, node, user: String::new(), running: HashMap::new() }
    }

    fn key_is_authorized(&self, user: &str, key: &PublicKey) -> bool {
        let Some(key) = type_and_blob(&openssh(key)) else { return false };
        self.shared.with(|world| {
            if user == "root" {
                return world.authorizes(&self.node, &key);
            }
            let Some(node) = world.nodes.get(&self.node) else { return false };
            let known = node.sudo_user.as_ref().is_some_and(|known| known.name == user);
            // Debian's sshd reads two files.
            let in_file = |name: &str| {
                let file = node.files.read(&format!("/home/{user}/.ssh/{name}")).unwrap_or_default();
                String::from_utf8_lossy(&file).lines().any(|line| type_and_blob(line).as_ref() == Some(&key))
            };
            known && ["authorized_keys", "authorized_keys2"].into_iter().any(in_file)
        })
    }

    fn start(&mut self, channel: ChannelId, line: String, handle: Handle) {
        let (sender, receiver) = mpsc::channel(OUTPUT_QUEUE);
        let (stdin, input) = mpsc::unbounded_channel();
        let env = Env {
            shared: Arc::clone(&self.shared),
            node: self.node.clone(),
            user: self.user.clone(),
            stdin: Stdin::from_channel(input),
            out: Sink::Pipe(sender.clone(), Stream::Out),
            err: Sink::Pipe(sender, Stream::Err),
        };
        let task = tokio::spawn(run(env, line, receiver, channel, handle)).abort_handle();
        self.running.insert(channel, Running { task, stdin: Some(stdin), received: 0 });
    }
}

/// Runs the line and sends what it prints, then its exit code.
async fn run(
    env: Env,
    line: String,
    mut output: mpsc::Receiver<(Stream, Vec<u8>)>,
    channel: ChannelId,
    handle: Handle,
) {
    let program = async move {
        let code = shell::exec(&env, &line).await;
        // Dropping the environment closes the output.
        drop(env);
        code
    };
    let send = async {
        while let Some((stream, bytes)) = output.recv().await {
            let sent = match stream {
                Stream::Out => handle.data(channel, bytes).await.is_ok(),
                Stream::Err => handle.extended_data(channel, STDERR, bytes).await.is_ok(),
            };
            if !sent {
                return;
            }
        }
    };
    let (code, ()) = tokio::join!(program, send);
    let code = u32::try_from(code).unwrap_or(255);
    // The client may have left: then there is nobody to tell.
    let _ = handle.exit_status_request(channel, code).await;
    let _ = handle.eof(channel).await;
    let _ = handle.close(channel).await;
}

impl Drop for Handler {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.task.abort();
        }
    }
}

impl russh::server::Handler for Handler {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let good = self.shared.with(|world| {
            let Some(node) = world.nodes.get(&self.node) else { return false };
            match &node.sudo_user {
                _ if user == "root" => node.root_password == password,
                Some(known) => known.name == user && known.password == password,
                None => false,
            }
        });
        self.user = user.to_owned();
        Ok(if good { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(if self.key_is_authorized(user, offer.public_key) { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.user = user.to_owned();
        Ok(if self.key_is_authorized(user, key.public_key) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    /// A jump: only the SSH port of another node answers.
    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host_to_connect: &str,
        port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.shared.with(|world| ssh::listens_at(world, &self.node, host_to_connect)) {
            Some(next) if port_to_connect == SSH_PORT => {
                reply.accept().await;
                tokio::spawn(super::serve_next(Arc::clone(&self.shared), next, channel.into_stream()));
            }
            _ => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        self.shared.asked(data);
        self.start(channel, String::from_utf8_lossy(data).into_owned(), session.handle());
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        self.start(channel, "sh".to_owned(), session.handle());
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(running) = self.running.get_mut(&channel) {
            running.received += data.len();
            self.shared.asked(data);
            if running.received > INPUT_BYTES_MAX {
                running.stdin = None;
            }
            if let Some(stdin) = &running.stdin {
                // A program that no longer reads is no error of the client's.
                let _ = stdin.send(data.to_vec());
            }
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(running) = self.running.get_mut(&channel) {
            running.stdin = None;
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(running) = self.running.remove(&channel) {
            running.task.abort();
        }
        Ok(())
    }
}
