//! Mail, by a dialogue with a real listener.

use super::tls::acceptor;
use super::{PATIENCE, asked};
use crate::app::TestApp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::ports::MessagePlace;
use model::notice::{Notice, NoticeCode};
use model::problem::{Problem, ProblemCode};
use server::config::{self, Language};
use server::notify::mail::{Mail, NAME};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

const PASSWORD: &str = "canary-mail-password-0b8d";

fn config(server: &str) -> config::Mail {
    config::Mail {
        server: server.into(),
        user: None,
        password_file: None,
        trust: None,
        from: "Quorate <quorate@console.example>".into(),
        to: vec!["ops@team.example".into(), "night@team.example".into()],
    }
}

/// A server that listens, and who has its certificate.
struct Server {
    listener: TcpListener,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let folder = tempfile::tempdir().expect("folder");
        crate::tls::certificate(folder.path());
        super::hook::write_secret(&folder.path().join("password"));
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).expect("written");
        Self { listener, address, folder }
    }

    fn config(&self, scheme: &str) -> config::Mail {
        config::Mail {
            user: Some("quorate".into()),
            password_file: Some(self.folder.path().join("password")),
            trust: Some(self.folder.path().join("cert.pem")),
            ..config(&format!("{scheme}://{}", self.address))
        }
    }
}

/// Speaks enough SMTP (RFC 5321, 3207, 4954) for one connection; returns what was said to it.
async fn talk(server: Server, starttls: bool, auth: &'static str) -> Vec<String> {
    let (stream, _) = server.listener.accept().await.expect("somebody calls");
    let acceptor = acceptor(server.folder.path());
    let mut said = Vec::new();
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test ESMTP\r\n").await.expect("greeted");
    if !starttls {
        dialogue(&mut stream, &mut said, "250 test\r\n", auth).await;
        return said;
    }
    dialogue(&mut stream, &mut said, "250-test\r\n250 STARTTLS\r\n", auth).await;
    if said.last().is_some_and(|line| line == "STARTTLS") {
        encrypted(&acceptor, stream, &mut said, auth).await;
    }
    said
}

async fn encrypted<S>(acceptor: &TlsAcceptor, stream: BufReader<S>, said: &mut Vec<String>, auth: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(stream) = acceptor.accept(stream.into_inner()).await else {
        said.push("(no TLS)".to_owned());
        return;
    };
    said.push("(TLS)".to_owned());
    dialogue(&mut BufReader::new(stream), said, "250-test\r\n250 AUTH PLAIN LOGIN\r\n", auth).await;
}

/// Until QUIT, STARTTLS, or the other side hangs up.
async fn dialogue<S>(stream: &mut BufReader<S>, said: &mut Vec<String>, ehlo: &str, auth: &str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut data = false;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let text = line.trim_end().to_owned();
        said.push(text.clone());
        let word = text.split(' ').next().unwrap_or_default();
        let answer = match word {
            "." if data => {
                data = false;
                "250 taken\r\n"
            }
            _ if data => continue,
            "EHLO" => ehlo,
            "AUTH" => auth,
            "DATA" => {
                data = true;
                "354 go on\r\n"
            }
            "STARTTLS" => "220 ready\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || matches!(word, "QUIT" | "STARTTLS") {
            return;
        }
    }
}

async fn send(
    server: Server,
    config: &config::Mail,
    starttls: bool,
    auth: &'static str,
) -> (Vec<String>, Result<(), Problem>) {
    let place = Mail::new(config, Language::En).expect("a mail server");
    let talking = tokio::spawn(talk(server, starttls, auth));
    let sent = place.send(Uuid::nil(), &Notice::test("anna", model::Timestamp::UNIX_EPOCH)).await;
    (timeout(PATIENCE, talking).await.expect("in time").expect("no panic"), sent)
}

#[tokio::test]
async fn mail_says_it_in_words_to_everybody_who_is_named() {
    let server = Server::new().await;
    let place: Arc<dyn MessagePlace> =
        Arc::new(Mail::new(&config(&format!("smtp://{}", server.address)), Language::Fr).expect("a mail server"));
    assert!(!place.takes(NoticeCode::Checkpoint) && place.takes(NoticeCode::Test));
    let app = TestApp::telling(vec![place]).await;
    let talking = tokio::spawn(talk(server, false, "535 no\r\n"));
    let notifier = &app.state.notifier;
    notifier.begin().await.expect("the cursor");
    asked(&app, "le rack brûle").await;
    notifier.gather().await.expect("made");
    assert_eq!(notifier.deliver(NAME).await.expect("sent"), 1);
    let all = timeout(PATIENCE, talking).await.expect("in time").expect("no panic").join("\n");
    for part in [
        "MAIL FROM:<quorate@console.example>",
        "RCPT TO:<ops@team.example>",
        "RCPT TO:<night@team.example>",
        "Subject: [Quorate] prod: un accord est =?utf-8?b?ZGVtYW5kw6k=?=",
        "@console.example>",
        "https://console.example/approvals/r1",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert!(!all.contains("brûle"), "eight bits without being asked: {all}");
}

#[tokio::test]
async fn the_password_goes_over_tls_alone() {
    let server = Server::new().await;
    let config = server.config("smtp+starttls");
    let (said, sent) = send(server, &config, true, "235 yes\r\n").await;
    assert_eq!(sent, Ok(()));
    let tls = said.iter().position(|line| line == "(TLS)").expect("TLS came about");
    let auth = said.iter().position(|line| line.starts_with("AUTH PLAIN ")).expect("it signed in");
    assert!(tls < auth, "{said:?}");
    let expected = STANDARD.encode(format!("\0quorate\0{PASSWORD}"));
    assert_eq!(said[auth], format!("AUTH PLAIN {expected}"));
    assert!(said.contains(&"Subject: [Quorate] test".to_owned()), "{said:?}");
    assert!(said.iter().any(|line| *line == format!("Message-ID: <{}@console.example>", Uuid::nil())), "{said:?}");
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_the_clear() {
    let server = Server::new().await;
    let config = server.config("smtp+starttls");
    let (said, sent) = send(server, &config, false, "235 yes\r\n").await;
    assert!(sent.is_err());
    assert!(said.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{said:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_nothing() {
    let (server, stranger) = (Server::new().await, Server::new().await);
    let config =
        config::Mail { trust: Some(stranger.folder.path().join("cert.pem")), ..server.config("smtp+starttls") };
    let (said, sent) = send(server, &config, true, "235 yes\r\n").await;
    assert!(sent.is_err());
    assert_eq!(said.last().map(String::as_str), Some("(no TLS)"), "{said:?}");
}

#[tokio::test]
async fn a_server_that_says_the_password_back_does_not_bring_it_onto_a_page() {
    let echo: &'static str = Box::leak(
        format!("535 I do not know {} or {PASSWORD}\r\n", STANDARD.encode(format!("\0quorate\0{PASSWORD}")))
            .into_boxed_str(),
    );
    let server = Server::new().await;
    let config = server.config("smtp+starttls");
    let (_, sent) = send(server, &config, true, echo).await;
    let problem = sent.expect_err("refused");
    assert_eq!(problem.code, ProblemCode::PlaceRefused);
    let quote = problem.quote.expect("what it said");
    assert!(quote.contains("I do not know … or …"), "{quote}");
}

#[test]
fn mail_over_the_network_needs_tls_and_whole_addresses() {
    let new = |config: &config::Mail| Mail::new(config, Language::En);
    for server in [
        "smtp://mail.example",
        "smtp://10.0.0.1:25",
        "mail.example",
        "http://127.0.0.1",
        "smtp://127.0.0.1:x",
        "smtps://anna:secret@mail.example",
        "smtps://mail.example/path",
    ] {
        assert!(new(&config(server)).is_err(), "{server}");
    }
    let folder = tempfile::tempdir().expect("folder");
    crate::tls::certificate(folder.path());
    let trusting = |server: &str| config::Mail { trust: Some(folder.path().join("cert.pem")), ..config(server) };
    assert!(new(&trusting("smtps://mail.example")).is_ok());
    assert!(new(&trusting("smtp+starttls://mail.example:587")).is_ok());
    assert!(new(&config("smtp://[::1]:25")).is_ok());
    let here = || config("smtp://127.0.0.1:25");
    assert!(new(&config::Mail { to: vec!["nobody".into()], ..here() }).is_err());
    assert!(new(&config::Mail { to: Vec::new(), ..here() }).is_err());
    assert!(new(&config::Mail { user: Some("anna".into()), ..here() }).is_err());
    assert!(
        new(&config::Mail { trust: Some(Path::new("/no/such/file").into()), ..config("smtps://mail.example") })
            .is_err()
    );
}
