//! The e-mail door against a mail server that does as it is told.
#![allow(clippy::disallowed_methods, reason = "a test stands outside the hub: it spawns its own mail server")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use lineshaft_model::Answer;
use lineshaft_ports::suite::sink::{self as suite, Act, Stand};
use lineshaft_ports::{Delivery, Sink};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Surroundings;

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Act>>,
    /// Whole mails.
    mails: Mutex<Vec<String>>,
    /// Everything that was said before.
    said: Mutex<Vec<String>>,
}

struct Server {
    state: Arc<State>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
    sink: Arc<dyn Sink>,
}

async fn serve(stream: TcpStream, state: Arc<State>, counted: Arc<watch::Sender<usize>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        state.said.lock().push(line.trim().to_owned());
        let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 fine\r\n",
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        if verb == "DATA" {
            let mut mail = String::new();
            while !mail.ends_with("\r\n.\r\n") {
                if stream.read_line(&mut mail).await.ok()? == 0 {
                    return None;
                }
            }
            state.mails.lock().push(mail);
            let act = state.script.lock().pop_front().unwrap_or(Act::Accept);
            counted.send_modify(|count| *count += 1);
            let answer = match act {
                Act::Accept => "250 queued\r\n",
                Act::Refuse => "554 we do not take this\r\n",
                Act::Busy(_) => "451 later\r\n",
                Act::TalkNonsense => "HTTP/1.1 200 OK\r\n\r\n",
                Act::LoseAnswer => return None,
                Act::StaySilent => std::future::pending().await,
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}

fn config(port: u16) -> Value {
    json!({
        "system": "mail", "connector": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "timeout": "300ms",
        "login": { "user": "hub", "password": "canary-secret" },
        "from": "Lineshaft <hub@plant.example>",
        "operations": { "tell": { "to": ["ops@plant.example", "Night <night@plant.example>"], "subject": "{{ .type }}" } }
    })
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let (counted, count) = watch::channel(0);
        let (shared, counted) = (Arc::clone(&state), Arc::new(counted));
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                tasks.spawn(serve(stream, Arc::clone(&shared), Arc::clone(&counted)));
            }
        });
        let connector = crate::parse(&config(port), "mail").unwrap_or_else(|reasons| panic!("{reasons:#?}"));
        let with = Surroundings::new(&crate::NoSecrets, Path::new("."));
        let sink = connector.build_sink("tell", &with).unwrap();
        Self { state, count, task, sink }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The id and the text of a mail.
fn read(mail: &str) -> (String, Vec<u8>) {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let id = head.lines().find_map(|line| line.strip_prefix("Message-ID: <")).unwrap();
    let body: String = body.trim_end_matches("\r\n.\r\n").split_whitespace().collect();
    (id.split('@').next().unwrap().to_owned(), BASE64_STANDARD.decode(body).unwrap())
}

impl Stand for Server {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    fn order(&self, act: Act) {
        self.state.script.lock().push_back(act);
    }

    fn received(&self) -> Vec<(String, Vec<u8>)> {
        self.state.mails.lock().iter().map(|mail| read(mail)).collect()
    }

    fn until_received(&self, count: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move { drop(self.count.clone().wait_for(|seen| *seen >= count).await) })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.task.abort();
            while !self.task.is_finished() {
                tokio::task::yield_now().await;
            }
        })
    }
}

/// The suite, but for a wait that no mail server names.
#[tokio::test]
async fn the_suite_of_sinks() {
    suite::delivers_once_with_key_and_body(&Server::start().await).await;
    suite::never_guesses_when_the_answer_is_lost(&Server::start().await).await;
    suite::goes_on_after_every_failure(&Server::start().await).await;
    suite::says_again_when_nothing_listens(&Server::start().await).await;
    suite::can_be_cancelled(&Server::start().await).await;
    suite::keeps_many_deliveries_apart(&Server::start().await).await;
}

#[tokio::test]
async fn a_mail_says_who_what_and_when() {
    let server = Server::start().await;
    let delivery = Delivery {
        slots: vec!["Zähler fehlt: wms/counts".to_owned()],
        body: "\"Die Quelle wms/counts schweigt.\"".into(),
        ..suite::delivery(1)
    };
    let answer = server.sink.deliver(&delivery).await;
    assert!(matches!(answer, Answer::Delivered { status: 250, .. }), "{answer:?}");
    let mail = server.state.mails.lock()[0].clone();
    assert!(mail.contains("From: Lineshaft <hub@plant.example>\r\n"), "{mail}");
    assert!(mail.contains("ops@plant.example") && mail.contains("night@plant.example"), "{mail}");
    assert!(mail.contains("Subject: =?utf-8?"), "{mail}");
    assert!(mail.contains("Date: Mon, 23 Nov 2026"), "{mail}");
    assert_eq!(String::from_utf8(read(&mail).1).unwrap(), "Die Quelle wms/counts schweigt.");
    let said = server.state.said.lock().join("\n");
    assert!(said.contains("AUTH PLAIN") && said.contains("RCPT TO:<night@plant.example>"), "{said}");
    assert!(!format!("{:?}", server.sink).contains("canary"));
}

#[tokio::test]
async fn what_the_server_says_is_what_is_reported() {
    let server = Server::start().await;
    server.order(Act::Refuse);
    let answer = server.sink.deliver(&suite::delivery(1)).await;
    assert!(matches!(answer, Answer::Refused { status: 554, .. }), "{answer:?}");
    server.order(Act::Busy(1));
    let answer = server.sink.deliver(&suite::delivery(1)).await;
    assert!(matches!(answer, Answer::Again { status: 451, .. }), "{answer:?}");
}

#[test]
fn problems_are_found_when_the_configuration_is_read() {
    let refused = |change: fn(&mut Value)| {
        let mut config = config(25);
        change(&mut config);
        let reasons = crate::parse(&config, "mail").unwrap_err();
        reasons.iter().map(|reason| format!("{} {}", reason.at, reason.code)).collect::<Vec<_>>()
    };
    assert_eq!(refused(|c| c["from"] = json!("nobody")), ["/from address-malformed"]);
    assert_eq!(refused(|c| c["host"] = json!("mail.example.com")), ["/tls login-in-the-clear"]);
    assert_eq!(refused(|c| c["port"] = json!(70_000)), ["/port setting-range"]);
    assert_eq!(refused(|c| c["operations"]["tell"]["to"] = json!([])), ["/operations/tell/to setting-range"]);
    assert_eq!(refused(|c| c["tls"] = json!("ssl")), ["/tls setting-choice"]);
    assert_eq!(refused(|c| c["sources"] = json!({})), ["/sources sources-unsupported"]);
}
