//! A server in this process, over a pipe, that misbehaves as a test wants.

use crate::parts::Console;
use async_trait::async_trait;
use model::name::SshAddress;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use ssh::{AsyncReadWrite, Connector};
use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::Notify;

/// The pipe's own buffer, in bytes.
const PIPE_BYTES: usize = 1 << 16;
pub const PASSWORD: &str = "canary-password";

/// What the server does with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    Ssh,
    /// Says this and nothing more, and keeps the stream open.
    Says(&'static str),
    /// Ends the stream at once.
    Closes,
}

/// What the server does with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Prints the command's own line, exit 0.
    Echo,
    /// Never answers.
    Hang,
    /// Prints half an answer and ends the connection.
    Cut,
    /// Refuses to run anything.
    Refuse,
    /// Prints without end.
    Flood,
    /// A shell that answers every line with its number, standard output first, standard error when all is done.
    Answers,
    /// Answers the sweep shell's first question well, and prints too much after the second one's marker.
    Babble,
    /// Reports a signal.
    Signal,
    /// Ends without saying how.
    Vanish,
    /// Reports the exit code but keeps the channel open.
    Linger,
}

pub struct Script {
    pub greeting: Mutex<Greeting>,
    pub behaviour: Mutex<Behaviour>,
    pub host_key: Mutex<PrivateKey>,
    pub methods: Mutex<Vec<MethodKind>>,
    pub accepts_key: Mutex<bool>,
    /// A wrong password ends the connection, as with `MaxAuthTries 1`.
    pub one_try: Mutex<bool>,
    /// What the sweep shell was sent, as it arrived.
    pub inputs: Mutex<Vec<String>>,
    /// Commands as they arrived.
    pub lines: Mutex<Vec<String>>,
    pub connects: AtomicUsize,
    pub attempts: AtomicUsize,
    pub sessions: AtomicUsize,
    /// From now on nothing passes, in neither direction, and nothing is closed.
    pub freeze: Notify,
}

impl Script {
    pub fn new(behaviour: Behaviour) -> Arc<Self> {
        Arc::new(Self {
            greeting: Mutex::new(Greeting::Ssh),
            behaviour: Mutex::new(behaviour),
            host_key: Mutex::new(new_key()),
            methods: Mutex::new(vec![MethodKind::PublicKey, MethodKind::Password]),
            accepts_key: Mutex::new(true),
            one_try: Mutex::new(false),
            inputs: Mutex::default(),
            lines: Mutex::default(),
            connects: AtomicUsize::new(0),
            attempts: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            freeze: Notify::new(),
        })
    }

    pub fn console(self: &Arc<Self>) -> Console {
        Console::new(Arc::new(Pipe(Arc::clone(self))))
    }

    pub fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }

    pub fn attempts(&self) -> usize {
        self.attempts.load(Ordering::SeqCst)
    }

    pub fn set<T>(place: &Mutex<T>, value: T) {
        *place.lock().expect("no panic") = value;
    }
}

pub fn new_key() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).expect("a key")
}

pub fn address(user: &str) -> SshAddress {
    SshAddress { host: "node.test".to_owned(), port: 22, user: user.to_owned() }
}

struct Pipe(Arc<Script>);

#[async_trait]
impl Connector for Pipe {
    async fn connect(&self, _: &SshAddress) -> io::Result<Box<dyn AsyncReadWrite>> {
        self.0.connects.fetch_add(1, Ordering::SeqCst);
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(carry(Arc::clone(&self.0), theirs, near));
        tokio::spawn(serve(Arc::clone(&self.0), far));
        Ok(Box::new(ours))
    }
}

/// The network between both.
async fn carry(script: Arc<Script>, mut one: DuplexStream, mut other: DuplexStream) {
    let frozen = tokio::select! {
        () = script.freeze.notified() => true,
        _ = tokio::io::copy_bidirectional(&mut one, &mut other) => false,
    };
    if frozen {
        std::future::pending::<()>().await;
    }
}

/// The server on one stream, to its end.
pub async fn serve(script: Arc<Script>, mut stream: impl AsyncReadWrite) {
    let greeting = *script.greeting.lock().expect("no panic");
    match greeting {
        Greeting::Closes => return,
        Greeting::Says(text) => {
            stream.write_all(text.as_bytes()).await.expect("the console reads");
            // Open until the console leaves.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            return;
        }
        Greeting::Ssh => {}
    }
    let methods: Vec<MethodKind> = script.methods.lock().expect("no panic").clone();
    let config = Config {
        keys: vec![script.host_key.lock().expect("no panic").clone()],
        methods: MethodSet::from(methods.as_slice()),
        auth_rejection_time: Duration::from_millis(1),
        ..Config::default()
    };
    script.sessions.fetch_add(1, Ordering::SeqCst);
    if let Ok(running) = run_stream(Arc::new(config), stream, Node::new(Arc::clone(&script))).await {
        let _ = running.await;
    }
    script.sessions.fetch_sub(1, Ordering::SeqCst);
}

struct Node {
    script: Arc<Script>,
    /// Keeps the channels' reading halves, as russh wants.
    channels: Vec<Channel<Msg>>,
    shell_questions: usize,
    /// What the console has closed.
    closed: Arc<Mutex<Vec<ChannelId>>>,
}

impl Node {
    fn new(script: Arc<Script>) -> Self {
        Self { script, channels: Vec::new(), shell_questions: 0, closed: Arc::default() }
    }

    fn answer(&self, right: bool) -> Auth {
        self.script.attempts.fetch_add(1, Ordering::SeqCst);
        if right { Auth::Accept } else { Auth::reject() }
    }

    fn password(&self, right: bool) -> Result<Auth, russh::Error> {
        let answer = self.answer(right);
        let ends = !right && *self.script.one_try.lock().expect("no panic");
        if ends { Err(russh::Error::Disconnect) } else { Ok(answer) }
    }

    fn behave(
        &self,
        behaviour: Behaviour,
        channel: ChannelId,
        line: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if behaviour == Behaviour::Refuse {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        match behaviour {
            // Its shell and its followers stay; what they print comes later.
            Behaviour::Answers if line.ends_with(" sh") || line.contains(" follow ") => {}
            Behaviour::Echo | Behaviour::Answers => {
                session.data(channel, line.to_owned().into_bytes())?;
                session.exit_status_request(channel, 0)?;
                session.close(channel)?;
            }
            Behaviour::Cut => {
                session.data(channel, b"Quorum infor".to_vec())?;
                return Err(russh::Error::Disconnect);
            }
            Behaviour::Signal => {
                session.exit_signal_request(channel, russh::Sig::KILL, false, "", "")?;
                session.close(channel)?;
            }
            Behaviour::Vanish => session.close(channel)?,
            Behaviour::Linger => session.exit_status_request(channel, 5)?,
            Behaviour::Flood => {
                let (handle, closed) = (session.handle(), Arc::clone(&self.closed));
                tokio::spawn(async move {
                    while !closed.lock().expect("no panic").contains(&channel)
                        && handle.data(channel, vec![b'q'; 1000]).await.is_ok()
                    {
                        tokio::task::yield_now().await;
                    }
                });
            }
            Behaviour::Hang | Behaviour::Babble | Behaviour::Refuse => {}
        }
        Ok(())
    }
}

impl Handler for Node {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(Auth::reject())
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.password(password == PASSWORD)
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let right = *self.script.accepts_key.lock().expect("no panic");
        Ok(self.answer(right))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Name:"), true), (Cow::Borrowed("Password:"), false)]),
            });
        };
        let right = response.next().is_some_and(|answer| answer.is_empty())
            && response.next().is_some_and(|answer| &answer[..] == PASSWORD.as_bytes());
        self.password(right)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.push(channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let line = String::from_utf8_lossy(line).into_owned();
        self.script.lines.lock().expect("no panic").push(line.clone());
        let behaviour = *self.script.behaviour.lock().expect("no panic");
        self.behave(behaviour, channel, &line, session)
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.closed.lock().expect("no panic").push(channel);
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let text = String::from_utf8_lossy(data).into_owned();
        self.script.inputs.lock().expect("no panic").push(text.clone());
        let behaviour = *self.script.behaviour.lock().expect("no panic");
        if behaviour == Behaviour::Answers {
            return answer_all(channel, &text, session);
        }
        if behaviour != Behaviour::Babble {
            return Ok(());
        }
        self.shell_questions += 1;
        let marker = text.split(' ').find(|word| word.starts_with("q-")).expect("a marker");
        let more = if self.shell_questions > 1 { "and more\n" } else { "" };
        session.extended_data(channel, 1, format!("\n{marker}\n").into_bytes())?;
        session.data(channel, format!("0\n\n{marker} 0\n{more}").into_bytes())
    }
}

fn answer_all(channel: ChannelId, text: &str, session: &mut Session) -> Result<(), russh::Error> {
    let markers = || text.lines().map(|line| line.split(' ').find(|word| word.starts_with("q-")).expect("a marker"));
    let (mut out, mut err) = (String::new(), String::new());
    for (number, marker) in markers().enumerate() {
        out.push_str(&format!("out {number}\n\n{marker} {number}\n"));
        err.push_str(&format!("err {number}\n{marker}\n"));
    }
    // In pieces that end in the middle of a marker.
    for piece in out.as_bytes().chunks(41) {
        session.data(channel, piece.to_vec())?;
    }
    for piece in err.as_bytes().chunks(23) {
        session.extended_data(channel, 1, piece.to_vec())?;
    }
    Ok(())
}
