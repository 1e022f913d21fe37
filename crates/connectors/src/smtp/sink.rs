//! One mail, one attempt. Everything before the end of the mail is certainly no effect; after it only an answer is.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use lettre::Message;
use lettre::message::header::ContentTransferEncoding;
use lettre::message::header::ContentType;
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::{Answer, Reason};
use lineshaft_ports::{Delivery, Sink, Slot};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::config::{MailConfig, Operation, Protection};
use crate::outbound::Destination;
use crate::{Outbound, Surroundings};

type SmtpError = lettre::transport::smtp::Error;

/// Sends one kind of mail.
pub(super) struct MailSink {
    config: MailConfig,
    to: Vec<Mailbox>,
    slots: Vec<Slot>,
    tls: Option<TlsParameters>,
    login: Option<(SecretString, SecretString)>,
    hello: ClientId,
    outbound: Arc<Outbound>,
}

impl fmt::Debug for MailSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSink")
            .field("host", &self.config.host)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// Why a step failed.
enum Failure {
    Took,
    /// Its host is not known, or may not be called.
    NotCalled(Reason),
    Smtp(SmtpError),
}

impl MailSink {
    /// Resolves the secrets and reads the certificate.
    pub(super) fn build(
        config: &MailConfig,
        operation: &Operation,
        with: &Surroundings<'_>,
    ) -> Result<Self, Reason> {
        let tls = match config.protection {
            Protection::None => None,
            Protection::StartTls | Protection::Implicit => Some(tls(config, with)?),
        };
        let login = match &config.login {
            None => None,
            Some((user, password)) => Some((user.resolve(with.secrets)?, password.resolve(with.secrets)?)),
        };
        let hello = ClientId::Domain(config.from.email.domain().to_owned());
        let (config, to, slots) = (config.clone(), operation.to.clone(), operation.slots.clone());
        Ok(Self { config, to, slots, tls, login, hello, outbound: Arc::clone(with.outbound) })
    }

    /// The mail as it is sent. Its id is the idempotency key, so that a mail that came twice is known by it.
    fn message(&self, delivery: &Delivery) -> Result<Vec<u8>, Reason> {
        let failed = |what: &dyn fmt::Display| {
            Reason::new("mail-malformed", format!("the event makes no mail: {what}"))
                .hint("check the operation's mapping and subject")
        };
        let id = format!("<{}@{}>", delivery.idempotency_key.as_str(), self.config.from.email.domain());
        let at = Duration::from_millis(u64::try_from(delivery.now.0).unwrap_or(0));
        let mut message = Message::builder()
            .from(self.config.from.clone())
            .subject(delivery.slots.first().map_or("", String::as_str))
            .message_id(Some(id))
            .date(SystemTime::UNIX_EPOCH + at)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let text = text_of(&delivery.body);
        let body = Body::new_with_encoding(text, ContentTransferEncoding::Base64);
        let body = body.map_err(|_| failed(&"its text cannot be encoded"))?;
        Ok(message.body(body).map_err(|error| failed(&error))?.formatted())
    }

    async fn within<T>(&self, step: impl Future<Output = Result<T, SmtpError>>) -> Result<T, Failure> {
        match timeout(Duration::from_millis(self.config.timeout_ms), step).await {
            Ok(done) => done.map_err(Failure::Smtp),
            Err(_) => Err(Failure::Took),
        }
    }

    /// Where the host is, as far as it may be called.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let shown = format!("{}:{}", self.config.host, self.config.port);
        let to = Destination {
            host: &self.config.host,
            port: self.config.port,
            shown: &shown,
            allow_link_local: false,
        };
        match timeout(Duration::from_millis(self.config.timeout_ms), self.outbound.resolve(&to)).await {
            Ok(found) => found.map_err(Failure::NotCalled),
            Err(_) => Err(Failure::Took),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let limit = Some(Duration::from_millis(self.config.timeout_ms));
        let server = self.addresses().await?;
        let implicit = self.tls.clone().filter(|_| self.config.protection == Protection::Implicit);
        let connecting = AsyncSmtpConnection::connect_tokio1(&server[..], limit, &self.hello, implicit, None);
        let mut connection = self.within(connecting).await?;
        if let Some(tls) = self.tls.clone().filter(|_| self.config.protection == Protection::StartTls) {
            self.within(connection.starttls(tls, &self.hello)).await?;
        }
        if let Some((user, password)) = &self.login {
            let credentials =
                Credentials::new(user.expose_secret().to_owned(), password.expose_secret().to_owned());
            self.within(connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)).await?;
        }
        Ok(connection)
    }

    /// Leaves with a word, for which nobody waits long.
    async fn drop_connection(&self, mut connection: AsyncSmtpConnection) {
        let limit = Duration::from_millis(self.config.timeout_ms.min(1_000));
        drop(timeout(limit, connection.abort()).await);
    }

    /// From the sender to the word that the mail may come.
    async fn announce(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Failure> {
        let from = self.config.from.email.clone();
        self.within(connection.command(Mail::new(Some(from), Vec::new()))).await?;
        for to in &self.to {
            self.within(connection.command(Rcpt::new(to.email.clone(), Vec::new()))).await?;
        }
        self.within(connection.command(Data)).await.map(|_| ())
    }

    /// Connects and logs in, and leaves again without a mail.
    pub(super) async fn greet(&self) -> Result<String, Reason> {
        let connected = self.connect().await;
        let mut connection = connected.map_err(|failure| self.reason("while connecting", &failure))?;
        drop(self.within(connection.quit()).await);
        let login = if self.login.is_some() { ", the login is accepted" } else { "" };
        Ok(format!("{}:{} answers{login}", self.config.host, self.config.port))
    }

    fn reason(&self, what: &str, failure: &Failure) -> Reason {
        let host = &self.config.host;
        match failure {
            Failure::NotCalled(reason) => reason.clone(),
            Failure::Took => {
                let ms = self.config.timeout_ms;
                Reason::new("answer-timeout", format!("{host} did not answer within {ms} ms, {what}"))
            }
            Failure::Smtp(error) if error.is_response() || error.is_permanent() || error.is_transient() => {
                Reason::new("target-refused", format!("{host} said, {what}: {}", told(error)))
            }
            Failure::Smtp(error) => {
                Reason::new("connection-lost", format!("{host}, {what}: {}", told(error)))
            }
        }
    }
}

fn told(error: &SmtpError) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn tls(config: &MailConfig, with: &Surroundings<'_>) -> Result<TlsParameters, Reason> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(file) = &config.ca {
        let unreadable = |error: &dyn fmt::Display| {
            Reason::new("certificate-unreadable", format!("{file} cannot be read: {error}"))
                .at("/ca")
                .hint("name a PEM file, relative to the workspace")
        };
        let pem = std::fs::read(with.folder.join(file)).map_err(|error| unreadable(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| {
        Reason::new("tls-unusable", format!("TLS cannot be used: {error}")).hint("check `ca`")
    })
}

/// The text of a mail: what the mapping gave when that is a text, otherwise its JSON.
fn text_of(body: &[u8]) -> Vec<u8> {
    match Value::parse(body, &Limits { bytes: body.len(), ..Limits::DEFAULT }) {
        Ok(Value::String(text)) => text.into_owned().into_bytes(),
        _ => body.to_vec(),
    }
}

/// The status of an answer of the server.
fn status_of(failure: &Failure) -> u16 {
    match failure {
        Failure::Smtp(error) => error.status().map_or(0, u16::from),
        Failure::Took | Failure::NotCalled(_) => 0,
    }
}

fn is_permanent(failure: &Failure) -> bool {
    matches!(failure, Failure::Smtp(error) if error.is_permanent())
}

fn is_answer(failure: &Failure) -> bool {
    matches!(failure, Failure::Smtp(error) if error.is_permanent() || error.is_transient())
}

impl Sink for MailSink {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let message = match self.message(delivery) {
                Ok(message) => message,
                Err(reason) => return Answer::Refused { status: 0, reason },
            };
            let again = |what: &str, failure: &Failure| Answer::Again {
                status: status_of(failure),
                after_ms: None,
                reason: self.reason(what, failure),
            };
            // A login that is refused is no fault of this mail: it waits until the login is mended.
            let mut connection = match self.connect().await {
                Ok(connection) => connection,
                Err(failure) => return again("while connecting", &failure),
            };
            if let Err(failure) = self.announce(&mut connection).await {
                self.drop_connection(connection).await;
                if is_permanent(&failure) {
                    let reason = self.reason("to sender and recipients", &failure);
                    return Answer::Refused { status: status_of(&failure), reason };
                }
                return again("before the mail had gone out", &failure);
            }
            let sent: Result<Response, Failure> = self.within(connection.message(&message)).await;
            match sent {
                Ok(response) => {
                    // Whatever it says to the farewell, it has the mail.
                    drop(self.within(connection.quit()).await);
                    Answer::Delivered { status: u16::from(response.code()), foreign_key: None }
                }
                Err(failure) if is_answer(&failure) => {
                    self.drop_connection(connection).await;
                    if is_permanent(&failure) {
                        let reason = self.reason("to the mail", &failure);
                        return Answer::Refused { status: status_of(&failure), reason };
                    }
                    again("to the mail", &failure)
                }
                Err(failure) => {
                    let reason = self.reason("after the mail had gone out", &failure);
                    Answer::Unknown { reason }
                }
            }
        })
    }

    fn slots(&self) -> &[Slot] {
        &self.slots
    }

    fn keeps_idempotency_key(&self) -> bool {
        self.config.repeat
    }
}
