//! The binary as an operator runs it: start, use, stop.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// Starting and stopping takes far less; a test that waits longer has failed.
const LIMIT: Duration = Duration::from_secs(30);
const NEW_PASSWORD: &str = "a long enough password";

/// A running console; killed when it goes out of scope.
pub struct Console {
    child: Child,
    pub stdout: Printed,
    pub stderr: Printed,
}

/// What a stream has printed so far.
#[derive(Clone)]
pub struct Printed {
    text: Arc<Mutex<String>>,
    grown: watch::Receiver<usize>,
}

impl Printed {
    fn follow(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text: Arc<Mutex<String>> = Arc::default();
        let (grow, grown) = watch::channel(0);
        let kept = Arc::clone(&text);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
                grow.send_replace(kept.len());
            }
        });
        Self { text, grown }
    }

    pub fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rest of the line after `word`, as soon as there is one.
    pub async fn after(&self, word: &str) -> String {
        let mut grown = self.grown.clone();
        let found = timeout(LIMIT, async {
            loop {
                grown.mark_unchanged();
                let text = self.text();
                if let Some(rest) = text.split(word).nth(1).filter(|rest| rest.contains('\n')) {
                    return rest.lines().next().unwrap_or_default().to_owned();
                }
                assert!(grown.changed().await.is_ok(), "the console ended without {word:?}: {}", self.text());
            }
        });
        found.await.unwrap_or_else(|_| panic!("never said {word:?}: {}", self.text()))
    }
}

pub fn quorate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
    for name in [
        "QUORATE_DATA",
        "QUORATE_LISTEN",
        "QUORATE_TLS_CERT",
        "QUORATE_TLS_KEY",
        "QUORATE_BEHIND_PROXY",
        "QUORATE_LOG",
        "QUORATE_URL",
        "QUORATE_WEBHOOK_URL",
        "QUORATE_MAIL_SERVER",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Console {
    pub fn start(args: &[&str], data: &Path) -> Self {
        let mut command = quorate();
        command.args(args).arg("--data").arg(data);
        let mut child = command.spawn().expect("the binary starts");
        let stdout = Printed::follow(child.stdout.take().expect("stdout"));
        let stderr = Printed::follow(child.stderr.take().expect("stderr"));
        Self { child, stdout, stderr }
    }

    pub fn serve(data: &Path) -> Self {
        Self::start(&["serve", "--listen", "127.0.0.1:0"], data)
    }

    /// Where it listens, once it does.
    pub async fn address(&self) -> SocketAddr {
        self.stderr.after("listening address=").await.trim().parse().expect("an address")
    }

    pub async fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().expect("it runs");
        kill(Pid::from_raw(i32::try_from(pid).expect("a pid")), Signal::SIGTERM).expect("signal");
        timeout(LIMIT, self.child.wait()).await.expect("it stops").expect("status")
    }

    /// Ends it as a power cut would, and waits until nothing of it runs.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    pub async fn ended(mut self) -> ExitStatus {
        timeout(LIMIT, self.child.wait()).await.expect("it ends by itself").expect("status")
    }
}

/// One request over one connection; head and body as they came.
pub async fn http(address: SocketAddr, method: &str, path: &str, cookie: &str, body: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nCookie: {cookie}\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("answered").expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn cookie_of(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    line.split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn serve_invites_its_first_admin_keeps_what_it_knows_and_stops_cleanly() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let console = Console::serve(&data);
    let address = console.address().await;
    let link = console.stdout.after(&format!("http://{address}/invite/")).await;
    assert_eq!(link.len(), 64, "{link}");
    assert!(http(address, "GET", "/health", "", "").await.starts_with("HTTP/1.1 200"));

    let input = json!({ "token": link, "name": "first", "password": NEW_PASSWORD }).to_string();
    let answer = http(address, "POST", "/api/accept_invite", "", &input).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"admin\""), "{answer}");
    let people = http(address, "POST", "/api/people", &cookie_of(&answer), "{}").await;
    assert!(people.contains("\"first\""), "{people}");

    let (stdout, stderr) = (console.stdout.clone(), console.stderr.clone());
    let status = console.stop().await;
    assert!(status.success(), "{status}: {}", stderr.text());
    assert!(!stderr.text().contains(&link), "the link is in the log");
    assert!(!stderr.text().contains('\u{1b}'), "colours for a terminal in a log");
    for text in [stdout.text(), stderr.text()] {
        assert!(!text.contains(NEW_PASSWORD));
    }

    let console = Console::serve(&data);
    let address = console.address().await;
    let input = json!({ "name": "first", "password": NEW_PASSWORD }).to_string();
    let answer = http(address, "POST", "/api/sign_in", "", &input).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let stdout = console.stdout.clone();
    assert!(console.stop().await.success());
    assert!(!stdout.text().contains("/invite/"), "a second first admin: {}", stdout.text());
}

#[tokio::test]
async fn what_the_console_keeps_is_for_its_own_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let console = Console::serve(&data);
    console.address().await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).expect("folder") {
        let path = entry.expect("entry").path();
        assert_eq!(mode(&path) & 0o077, 0, "{} can be read by others", path.display());
    }
    assert!(console.stop().await.success());
}

#[tokio::test]
async fn an_open_connection_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("folder");
    let console = Console::serve(&folder.path().join("data"));
    let address = console.address().await;
    let idle = TcpStream::connect(address).await.expect("connected");
    let mut busy = TcpStream::connect(address).await.expect("connected");
    busy.write_all(b"POST /api/me HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{").await.expect("half a request");
    let status = console.stop().await;
    assert!(status.success(), "{status}");
    drop((idle, busy));
}

#[tokio::test]
async fn the_demo_comes_with_accounts_and_nodes_and_stops_cleanly() {
    let folder = tempfile::tempdir().expect("folder");
    let args = ["demo", "--nodes", "2", "--listen", "127.0.0.1:0", "--ssh-port", "0"];
    let console = Console::start(&args, &folder.path().join("data"));
    let address = console.stdout.after("Quorate demo: http://").await;
    let address: SocketAddr = address.trim_end_matches('/').parse().expect("address");
    console.stdout.after("Stop with").await;
    let text = console.stdout.text();
    for word in ["sign in as operator", "sign in as approver", "pve1", "pve2", "qnetd1", "root@127.77.1.1:", "SHA256:"]
    {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    assert!(http(address, "GET", "/health", "", "").await.starts_with("HTTP/1.1 200"));
    let input = json!({ "name": "operator", "password": "demo-password" }).to_string();
    let answer = http(address, "POST", "/api/sign_in", "", &input).await;
    assert!(answer.contains("\"demo\":true"), "{answer}");
    let switches = http(address, "POST", "/api/demo_switches", &cookie_of(&answer), "{}").await;
    assert!(switches.contains("kill/pve2"), "{switches}");
    let stderr = console.stderr.clone();
    let status = console.stop().await;
    assert!(status.success(), "{status}: {}", stderr.text());
}

#[tokio::test]
async fn the_demo_has_a_sick_cluster_and_claims_none_of_an_earlier_run() {
    let folder = tempfile::tempdir().expect("folder");
    let args = ["demo", "--nodes", "1", "--listen", "127.0.0.1:0", "--ssh-port", "0", "--speed", "8"];
    for again in [false, true] {
        let console = Console::start(&args, &folder.path().join("data"));
        let address = console.stdout.after("Quorate demo: http://").await;
        let address: SocketAddr = address.trim_end_matches('/').parse().expect("address");
        console.stdout.after("Stop with").await;
        let text = console.stdout.text();
        assert!(text.contains("sick3"), "{text}");
        assert_eq!(text.contains("has forgotten them"), again, "{text}");
        let input = json!({ "name": "operator", "password": "demo-password" }).to_string();
        let answer = http(address, "POST", "/api/sign_in", "", &input).await;
        assert!(answer.contains("\"demo_speed\":\"8\""), "{answer}");
        let cookie = cookie_of(&answer);
        let sick = timeout(LIMIT, async {
            loop {
                let clusters = http(address, "POST", "/api/clusters", &cookie, "{}").await;
                if clusters.contains("\"health\":\"degraded\"") {
                    return clusters;
                }
            }
        });
        let clusters = sick.await.expect("the console sees that it is sick");
        assert_eq!(clusters.matches("\"name\":\"sick\"").count(), 1, "{clusters}");
        assert!(!clusters.contains("mine"), "a draft whose nodes are gone: {clusters}");
        let made = http(address, "POST", "/api/add_cluster", &cookie, &json!({ "name": "mine" }).to_string()).await;
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        assert!(console.stop().await.success());
    }
}
