//! Messages by mail, in words.

use super::{NotifyError, host_and_port, secret, trusted};
use crate::config::{self, Language};
use app::words::notice;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::limits::NOTICE_TRY_LIMIT;
use engine::notify::is_for_people;
use engine::ports::MessagePlace;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use model::notice::{Notice, NoticeCode};
use model::problem::{Problem, ProblemCode};
use std::error::Error as _;
use std::net::IpAddr;
use std::path::Path;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Its name in the store.
pub const NAME: &str = "mail";
/// Where the kernel keeps the machine's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// One mail server, and who gets what it is given.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    server: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    language: Language,
    /// The password as it travels: what a server says back is not shown with it.
    hidden: Vec<Zeroizing<String>>,
}

impl Mail {
    /// # Errors
    /// A server that would be spoken to without TLS over the network, addresses or a secret that cannot be used.
    pub fn new(config: &config::Mail, language: Language) -> Result<Self, NotifyError> {
        let mut builder = server(config)?.timeout(Some(NOTICE_TRY_LIMIT));
        let mut hidden = Vec::new();
        match (&config.user, &config.password_file) {
            (Some(user), Some(file)) => {
                let password = secret(file)?;
                // AUTH PLAIN (RFC 4616) and AUTH LOGIN send it in these forms.
                hidden.push(Zeroizing::new(STANDARD.encode(format!("\0{user}\0{}", password.as_str()))));
                hidden.push(Zeroizing::new(STANDARD.encode(password.as_bytes())));
                builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
                hidden.push(password);
            }
            (None, None) => {}
            _ => {
                let text = "a user of the mail server and the file of its password belong together";
                return Err(NotifyError::Incomplete { text });
            }
        }
        // A server may refuse who greets it with an address instead of a name.
        if let Ok(name) = std::fs::read_to_string(HOST_NAME) {
            builder = builder.hello_name(ClientId::Domain(name.trim().to_owned()));
        }
        let to = config.to.iter().map(|one| mailbox(one)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(NotifyError::Incomplete { text: "nobody is named who gets the mail" });
        }
        let (from, server) = (mailbox(&config.from)?, config.server.clone());
        Ok(Self { transport: builder.build(), server, from, to, language, hidden })
    }

    fn message(&self, id: Uuid, notice: &Notice) -> Result<Message, Problem> {
        let (subject, body) = notice::mail(self.language.word(), notice);
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            // The same for every try: a mail program shows it once.
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date_now()
            .header(ContentType::TEXT_PLAIN);
        for one in &self.to {
            message = message.to(one.clone());
        }
        message.body(body).map_err(|error| {
            tracing::error!(notice.error = %error, "a mail cannot be written");
            Problem::from(ProblemCode::Internal)
        })
    }

    fn problem(&self, error: &Error) -> Problem {
        let code = if error.is_tls() {
            ProblemCode::PlaceNotTrusted
        } else if error.is_transient() || error.is_permanent() || error.is_client() || error.is_response() {
            ProblemCode::PlaceRefused
        } else {
            ProblemCode::PlaceUnreachable
        };
        // The first says what failed, the last why.
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let why = next.to_string();
            if !text.contains(&why) {
                text = format!("{text}: {why}");
            }
            cause = next.source();
        }
        for secret in &self.hidden {
            text = text.replace(secret.as_str(), "…");
        }
        Problem::from(code).quoting(text)
    }
}

/// How the server is spoken to.
fn server(config: &config::Mail) -> Result<AsyncSmtpTransportBuilder, NotifyError> {
    let uri: http::Uri = config.server.parse().map_err(|_| NotifyError::MailServer)?;
    let (host, port) = host_and_port(&uri).ok_or(NotifyError::MailServer)?;
    if !matches!(uri.path(), "" | "/") {
        return Err(NotifyError::MailServer);
    }
    let here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let (tls, usual) = match uri.scheme_str() {
        Some("smtps") => (Tls::Wrapper(tls(&host, config.trust.as_deref())?), 465),
        Some("smtp+starttls") => (Tls::Required(tls(&host, config.trust.as_deref())?), 587),
        Some("smtp") if here => (Tls::None, 25),
        _ => return Err(NotifyError::MailServer),
    };
    let port = port.unwrap_or(usual);
    Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).tls(tls))
}

fn tls(host: &str, trust: Option<&Path>) -> Result<TlsParameters, NotifyError> {
    let failed = |error: Error| NotifyError::Trust { text: error.to_string() };
    let mut builder = TlsParameters::builder(host.to_owned());
    if trust.is_some() {
        builder = builder.certificate_store(CertificateStore::None);
        for one in trusted(trust)? {
            builder = builder.add_root_certificate(Certificate::from_der(one.to_vec()).map_err(failed)?);
        }
    }
    builder.build().map_err(failed)
}

fn mailbox(address: &str) -> Result<Mailbox, NotifyError> {
    address.trim().parse().map_err(|_| NotifyError::Address { address: address.to_owned() })
}

#[async_trait]
impl MessagePlace for Mail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn address(&self) -> String {
        let to: Vec<String> = self.to.iter().map(|one| one.email.to_string()).collect();
        format!("{} → {}", self.server, to.join(", "))
    }

    fn takes(&self, code: NoticeCode) -> bool {
        is_for_people(code)
    }

    async fn send(&self, id: Uuid, notice: &Notice) -> Result<(), Problem> {
        let message = self.message(id, notice)?;
        self.transport.send(message).await.map(drop).map_err(|error| self.problem(&error))
    }
}
