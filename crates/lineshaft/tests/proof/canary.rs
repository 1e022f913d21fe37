//! Secrets with a mark: they reach the systems they are for, and are found nowhere else. Not in the log at its most talkative, in
//! no answer, no file of the data folder, and not in what `check` says of a workspace that uses them wrongly.

use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::caller::{Call, Caller};
use crate::plant::{PATIENCE, Plant, until};

/// The secrets: their names in the workspace and their values. The first two come from the environment, the others from files.
const SECRETS: [(&str, &str); 5] = [
    ("erp-token", "canary-bearer-5f1c7a90"),
    ("aps-key", "canary-header-c0ffee42"),
    ("wms-password", "canary-password-8d2e6b11"),
    ("shop-signing", "canary-signing-77aa31fe"),
    ("shop-hook", "canary-webhook-19bd05c3"),
];

/// What must not be found: each secret as it is, and as basic login writes it.
fn marks(token: &str) -> Vec<Vec<u8>> {
    let basic = BASE64_STANDARD.encode("robot:canary-password-8d2e6b11");
    let mut marks: Vec<Vec<u8>> = SECRETS.iter().map(|(_, value)| value.as_bytes().to_vec()).collect();
    marks.extend(
        SECRETS
            .iter()
            .map(|(_, value)| BASE64_STANDARD.encode(value).trim_end_matches('=').as_bytes().to_vec()),
    );
    marks.extend([basic.into_bytes(), token.as_bytes().to_vec()]);
    marks
}

fn assert_absent(marks: &[Vec<u8>], place: &str, bytes: &[u8]) {
    for mark in marks {
        let found = bytes.windows(mark.len()).position(|window| window == mark);
        let Some(at) = found else { continue };
        let around = &bytes[at.saturating_sub(200)..(at + mark.len() + 50).min(bytes.len())];
        panic!("a secret is in {place}: {}", String::from_utf8_lossy(around));
    }
}

/// A system that says no and repeats everything it was told, its login too: as text, as JSON, and in headers.
async fn parrot(heard: Arc<Mutex<Vec<u8>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(repeat(stream, Arc::clone(&heard)));
        }
    });
    url
}

async fn repeat(mut stream: TcpStream, heard: Arc<Mutex<Vec<u8>>>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    heard.lock().unwrap().extend_from_slice(&request);
    let text = String::from_utf8_lossy(&request).into_owned();
    let login = text.lines().find(|line| line.to_ascii_lowercase().contains("canary")).unwrap_or_default();
    let body = match text.contains("/wms") {
        true => format!("I do not know you: {text}"),
        false => {
            json!({ "error": { "message": format!("I do not know you: {text}") }, "key": text }).to_string()
        }
    };
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\nconnection: close\r\nwww-authenticate: Bearer error=\"{}\"\r\n\r\n{body}",
        body.len(),
        login.trim().replace('"', "'"),
    );
    // The hub may have seen enough.
    let _ = stream.write_all(answer.as_bytes()).await;
}

const LOGINS: [(&str, &str); 4] = [
    ("erp", r#"{ bearer: { token: "${secret:erp-token}" } }"#),
    ("wms", r#"{ basic: { user: robot, password: "${secret:wms-password}" } }"#),
    ("aps", r#"{ header: { name: X-Api-Key, value: "${secret:aps-key}" } }"#),
    ("shop", r#"{ hmac: { header: X-Signature, secret: "${secret:shop-signing}" } }"#),
];

fn workspace(url: &str) -> Plant {
    let mut plant = Plant::new("secrets: { folder: secrets }\nlog: { level: trace }\n");
    for (name, value) in SECRETS {
        match name {
            "erp-token" => plant.set("LINESHAFT_SECRET_ERP_TOKEN", value),
            "aps-key" => plant.set("LINESHAFT_SECRET_APS_KEY", value),
            _ => plant.write(&format!("secrets/{name}"), &format!("{value}\n")),
        }
    }
    for (system, login) in LOGINS {
        let hook = match system {
            "shop" => {
                "sources:\n  hook:\n    webhook: { signature: hmac-sha256, header: X-Hook, secret: [\"${secret:shop-hook}\"] }\n"
            }
            _ => "",
        };
        let text = format!(
            "system: {system}\nconnector: http\nbase_url: {url}\nauth: {login}\n{hook}operations:\n  post:\n    \
             request: {{ method: POST, path: /{system}, idempotency_header: Idempotency-Key }}\n"
        );
        plant.write(&format!("systems/{system}.yaml"), &text);
        plant.write_route(system);
    }
    plant
}

/// Every page and listing that shows something.
const PAGES: [&str; 17] = [
    "/metrics",
    "/readyz",
    "/v1/events",
    "/v1/events/1",
    "/v1/events/2",
    "/v1/events/3",
    "/v1/deliveries",
    "/v1/dead-letters",
    "/v1/quarantine",
    "/v1/systems",
    "/v1/balance",
    "/v1/overview",
    "/v1/search?q=BIN-1",
    "/v1/objects/inventory",
    "/",
    "/login",
    "/problems/unauthorised",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_found_nowhere_but_where_it_is_for() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let plant = workspace(&parrot(Arc::clone(&heard)).await);
    let token = plant.token();
    let marks = marks(&token);
    let (mut hub, mut caller) = plant.started(&token).await;
    let mut answers = Vec::new();
    for call in calls() {
        answers.push(caller.call(&call).await.unwrap());
    }
    until("every delivery to be refused", PATIENCE, async || {
        let books = crate::plant::balance(&mut caller).await;
        let destinations = books["destinations"].as_array().unwrap();
        let dead: u64 = destinations.iter().map(|books| books["dead"].as_u64().unwrap()).sum();
        dead >= LOGINS.len() as u64
    })
    .await;
    // A test of secrets that were never used proves nothing.
    let told = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
    let basic = BASE64_STANDARD.encode("robot:canary-password-8d2e6b11");
    for used in ["Bearer canary-bearer-5f1c7a90", "canary-header-c0ffee42", &basic, "sha256="] {
        assert!(told.contains(used), "the system was not told {used}: {told}");
    }

    for page in PAGES {
        answers.push(caller.get(page).await.unwrap());
        answers.push(caller.call(&Call::get(page).with("accept", "text/html")).await.unwrap());
    }
    let letters = caller.get("/v1/dead-letters").await.unwrap().json();
    for letter in letters["items"].as_array().unwrap_or_else(|| panic!("no dead letters: {letters}")) {
        let id = letter["delivery"]["id"]
            .as_str()
            .or(letter["id"].as_str())
            .unwrap_or_else(|| panic!("no id: {letter}"));
        answers.push(caller.get(&format!("/v1/dead-letters/{id}")).await.unwrap());
        answers.push(caller.get(&format!("/v1/deliveries/{id}")).await.unwrap());
    }
    for answer in &answers {
        assert_absent(&marks, "an answer", &answer.body);
        for (name, value) in &answer.headers {
            assert_absent(&marks, &format!("the header {name} of an answer"), value.as_bytes());
        }
    }
    wrong_workspaces(&plant, &mut caller, &marks).await;
    assert!(hub.stop().await.success(), "{}", plant.last_words());

    assert_absent(&marks, "the log", plant.log().as_bytes());
    let exported = plant.printed(&["journal", "export", "--data", "data"]);
    assert!(
        exported.contains("I do not know you"),
        "the words of a refusal are kept, without the secret: {exported}"
    );
    assert_absent(&marks, "the journal", exported.as_bytes());
    let files = search(&marks, &plant.data());
    assert!(files > 4, "only {files} files were searched");
    plant.assert_no_fault();
}

/// Good events, one that is refused, and webhooks that are not signed by who should.
fn calls() -> Vec<Call> {
    let event = |id: &str| {
        json!({
            "specversion": "1.0", "id": id, "source": "urn:lineshaft:main:mes", "type": "lineshaft.inventory.counted.v1",
            "subject": "BIN-1", "data": { "id": id },
        })
    };
    let post = |path: &str, media: &str, body: String| Call::post(path, media, body);
    vec![
        post("/v1/events", "application/cloudevents+json", event("c-1").to_string()),
        post("/v1/events", "application/cloudevents+json", event("c-2").to_string()),
        post("/v1/events", "application/cloudevents+json", "{".to_owned()),
        post("/v1/in/shop/hook", "application/json", "{}".to_owned()),
        post("/v1/in/shop/hook", "application/json", "{}".to_owned()).with("x-hook", "sha256=00"),
    ]
}

/// What is said of workspaces that put secrets where they do not belong, by `check` and by a reload.
async fn wrong_workspaces(plant: &Plant, caller: &mut Caller, marks: &[Vec<u8>]) {
    let wrong = [
        "system: wrong\ntitle: \"${secret:erp-token}\"\nconnector: http\nbase_url: http://127.0.0.1:1\n",
        "system: wrong\nconnector: http\nbase_url: \"http://x:${secret:erp-token}@127.0.0.1/\"\noperations: { post: { request: { method: POST, path: / } } }\n",
        "system: wrong\nconnector: \"${secret:wms-password}\"\n",
        "system: \"${secret:wms-password}\"\nconnector: http\n",
        "system: wrong\nconnector: http\nlimits: { rate: \"${secret:aps-key}\" }\n",
        "system: wrong\nconnector: http\nbase_url: http://127.0.0.1:1\noperations: { post: { request: { method: \"${secret:erp-token}\", path: \"/{{ ${secret:erp-token}\" } } }\n",
        "system: wrong\nconnector: http\nbase_url: http://127.0.0.1:1\nauth: { bearer: { token: \"${LINESHAFT_SECRET_ERP_TOKEN}\", tokn: \"${secret:erp-token}\" } }\n",
        "system: wrong\nconnector: http\nsources: { hook: { webhook: { signature: standard-webhooks, secret: [\"${secret:shop-hook}\"] } } }\n",
    ];
    for text in wrong {
        plant.write("systems/wrong.yaml", text);
        for arguments in [&["check", "."][..], &["check", ".", "--json"], &["check", ".", "--strict"]] {
            let output = plant.command(arguments);
            assert_absent(
                marks,
                &format!("what `check` says of {text}"),
                &[output.stdout, output.stderr].concat(),
            );
        }
        let answer = caller.call(&Call::post("/v1/configuration/reload", "", "")).await.unwrap();
        assert_absent(marks, &format!("what a reload says of {text}"), &answer.body);
        plant.remove("systems/wrong.yaml");
    }
}

/// Searches every file below a folder; how many there were.
fn search(marks: &[Vec<u8>], folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += search(marks, &path);
        } else {
            assert_absent(marks, &path.display().to_string(), &std::fs::read(&path).unwrap());
            files += 1;
        }
    }
    files
}
