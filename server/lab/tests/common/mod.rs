//! A plain SSH client for the tests, over any stream.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod recording;

use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyBase64, PublicKeyOrCertificate};
use russh::{ChannelMsg, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};

/// What a program printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ran {
    pub out: String,
    pub err: String,
    pub code: Option<u32>,
}

/// Accepts any host key and remembers its fingerprint.
#[derive(Clone, Default)]
pub struct Seen(pub Arc<std::sync::Mutex<String>>);

impl client::Handler for Seen {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        *self.0.lock().unwrap() = format!("{key:?}");
        Ok(true)
    }
}

pub struct Client {
    pub handle: Handle<Seen>,
    pub seen: Seen,
}

/// The console's key in these tests.
pub fn console_key() -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]))
}

/// `ssh-ed25519 BASE64 console`
pub fn console_key_line() -> String {
    format!("ssh-ed25519 {} console\n", console_key().public_key_base64())
}

impl Client {
    pub async fn open<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let seen = Seen::default();
        let handle = client::connect_stream(Arc::default(), stream, seen.clone()).await.unwrap();
        Self { handle, seen }
    }

    pub async fn password(&mut self, user: &str, password: &str) -> bool {
        self.handle.authenticate_password(user, password).await.unwrap().success()
    }

    pub async fn key(&mut self, user: &str) -> bool {
        let key = PrivateKeyWithHashAlg::new(Arc::new(console_key()), None);
        self.handle.authenticate_publickey(user, key).await.unwrap().success()
    }

    pub async fn run(&self, line: &str) -> Ran {
        self.run_with(line, b"").await
    }

    pub async fn run_with(&self, line: &str, stdin: &[u8]) -> Ran {
        let mut channel = self.handle.channel_open_session().await.unwrap();
        channel.exec(true, line).await.unwrap();
        if !stdin.is_empty() {
            channel.data(stdin).await.unwrap();
        }
        channel.eof().await.unwrap();
        let mut ran = Ran::default();
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } => ran.out.push_str(&String::from_utf8_lossy(&data)),
                ChannelMsg::ExtendedData { data, .. } => ran.err.push_str(&String::from_utf8_lossy(&data)),
                ChannelMsg::ExitStatus { exit_status } => ran.code = Some(exit_status),
                _ => {}
            }
        }
        ran
    }

    pub async fn close(self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

/// Carries root's key of `joiner` to `member`, and the member's host keys back, as a console does.
pub async fn carry_keys(joiner: &Client, member: &Client, address: &str) {
    let key = joiner.run("cat /root/.ssh/id_rsa.pub").await;
    assert_eq!(key.code, Some(0), "{key:?}");
    let file = "/root/.ssh/authorized_keys";
    assert_eq!(member.run_with(&format!("tee -a {file}"), key.out.as_bytes()).await.code, Some(0));
    let host = member.run("cat /etc/ssh/ssh_host_rsa_key.pub").await.out;
    let known = format!("{address} {host}");
    assert_eq!(joiner.run_with("tee -a /root/.ssh/known_hosts", known.as_bytes()).await.code, Some(0));
}

/// Makes root's key where there is none.
pub async fn make_key(client: &Client) {
    client.run("ssh-keygen -q -t rsa -b 4096 -N '' -f /root/.ssh/id_rsa").await;
}

/// Creates cluster `lab` on pve1 with two links and joins the others, in order.
pub async fn build_cluster(lab: &lab::Lab, name: &str, nodes: &[(&str, u8)]) {
    let (first, last) = nodes[0];
    let member = root(lab, first).await;
    let created = member.run(&format!("pvecm create {name} --link0 10.0.1.{last} --link1 10.0.2.{last}")).await;
    assert_eq!(created.code, Some(0), "{created:?}");
    lab.settle().await;
    for (node, number) in &nodes[1..] {
        let joiner = root(lab, node).await;
        make_key(&joiner).await;
        carry_keys(&joiner, &member, &format!("10.0.1.{last}")).await;
        let joined = joiner
            .run(&format!("pvecm add 10.0.1.{last} --use_ssh --link0 10.0.1.{number} --link1 10.0.2.{number}"))
            .await;
        assert!(joined.out.contains("successfully added node"), "{joined:?}");
        lab.settle().await;
    }
}

/// Root on a node, over the pipe.
pub async fn root(lab: &lab::Lab, node: &str) -> Client {
    let mut client = Client::open(lab.connect(node).unwrap()).await;
    let password = lab.nodes().into_iter().find(|info| info.name == node).unwrap().root_password;
    assert!(client.password("root", &password).await);
    client
}
