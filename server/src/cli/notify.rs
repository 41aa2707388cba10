//! Options about messages that leave the console, and `quorate notify`: trying them.

use super::Data;
use crate::config::{Language, Mail, Notify, Webhook};
use crate::{notify, serve};
use clap::{Args, Subcommand};
use engine::audit::Person;
use std::path::PathBuf;

/// The same for `serve` and for `notify test`, best as variables of the service.
#[derive(Debug, Args)]
pub struct NotifyArgs {
    /// How browsers call the console, for links in messages: `https://quorate.example`.
    #[arg(long, env = "QUORATE_URL")]
    public_url: Option<String>,
    /// Language of the words in messages.
    #[arg(long, env = "QUORATE_NOTIFY_LANGUAGE", value_enum, default_value = "en")]
    notify_language: Language,
    /// Address that gets every message, and every checkpoint of the audit, as a signed POST. Where its path is a secret,
    /// give it as the variable.
    #[arg(long, env = "QUORATE_WEBHOOK_URL", hide_env_values = true, requires = "webhook_secret_file")]
    webhook_url: Option<String>,
    /// File (mode 0600, or a systemd credential) of the secret that signs them, 32 bytes or more.
    #[arg(long, env = "QUORATE_WEBHOOK_SECRET_FILE", requires = "webhook_url")]
    webhook_secret_file: Option<PathBuf>,
    /// PEM file of the only certificates to trust there; those of the system when left out.
    #[arg(long, env = "QUORATE_WEBHOOK_CA", requires = "webhook_url")]
    webhook_ca: Option<PathBuf>,
    /// Let the address be http on another machine: messages are signed, but anybody in between reads them.
    #[arg(long, env = "QUORATE_WEBHOOK_INSECURE", requires = "webhook_url")]
    webhook_insecure: bool,
    /// Mail server: `smtps://HOST`, `smtp+starttls://HOST`, or `smtp://127.0.0.1`.
    #[arg(long, env = "QUORATE_MAIL_SERVER", requires_all = ["mail_from", "mail_to"])]
    mail_server: Option<String>,
    /// Account on the mail server.
    #[arg(long, env = "QUORATE_MAIL_USER", requires_all = ["mail_server", "mail_password_file"])]
    mail_user: Option<String>,
    /// File (mode 0600, or a systemd credential) of its password.
    #[arg(long, env = "QUORATE_MAIL_PASSWORD_FILE", requires = "mail_user")]
    mail_password_file: Option<PathBuf>,
    /// PEM file of the only certificates to trust there; those of the system when left out.
    #[arg(long, env = "QUORATE_MAIL_CA", requires = "mail_server")]
    mail_ca: Option<PathBuf>,
    /// Sender of the mails.
    #[arg(long, env = "QUORATE_MAIL_FROM", requires = "mail_server")]
    mail_from: Option<String>,
    /// Who gets them; several with commas between.
    #[arg(long, env = "QUORATE_MAIL_TO", value_delimiter = ',', requires = "mail_server")]
    mail_to: Vec<String>,
}

impl NotifyArgs {
    /// As the server takes it.
    #[must_use]
    pub fn config(self) -> Notify {
        let (trust, insecure) = (self.webhook_ca, self.webhook_insecure);
        let webhook = self.webhook_url.zip(self.webhook_secret_file);
        let webhook = webhook.map(|(url, secret_file)| Webhook { url, secret_file, trust, insecure });
        let (user, password_file, trust, to) = (self.mail_user, self.mail_password_file, self.mail_ca, self.mail_to);
        let mail = self.mail_server.zip(self.mail_from);
        let mail = mail.map(|(server, from)| Mail { server, user, password_file, trust, from, to });
        Notify { base: self.public_url, language: self.notify_language, webhook, mail }
    }
}

#[derive(Debug, Args)]
pub struct NotifyCommandArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// Send a test message to every place that is named, and say what came of it; exit code 1 when one did not arrive.
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    notify: NotifyArgs,
}

pub async fn run(args: NotifyCommandArgs) -> anyhow::Result<()> {
    let NotifyCommand::Test(args) = args.command;
    let config = args.notify.config();
    serve::need_database(&args.data.data)?;
    let house = serve::open(&args.data.data).await?;
    let notifier = notify::notifier(&config, &house.engine)?;
    let names: Vec<&str> = notifier.names().collect();
    anyhow::ensure!(!names.is_empty(), "no place is named: see --webhook-url and --mail-server");
    let mut lost = 0;
    for name in &names {
        match notifier.test(&Person::system(), name).await? {
            None => println!("{name}: arrived"),
            Some(problem) => {
                lost += 1;
                let said = problem.quote.as_deref().map(|quote| format!("\n  {quote}")).unwrap_or_default();
                println!("{name}: {}{said}", app::words::notice::problem(config.language.word(), &problem));
            }
        }
    }
    anyhow::ensure!(lost == 0, "{lost} of {} did not arrive", names.len());
    Ok(())
}
