//! Logging in at a real OpenID provider, and a program with a token of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::caller::{Answer, Call, Caller};
use crate::load::FEED;
use crate::plant::{PATIENCE, Plant, until};

const SECRET: &str = "not a secret, of a test";

/// `oidc-provider` from npm, in a process of its own. Dropped, it is ended.
struct Provider {
    child: Child,
    address: SocketAddr,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    async fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oidc-provider");
        std::fs::create_dir_all(&folder).unwrap();
        if !folder.join("node_modules/oidc-provider").exists() {
            let install = ["install", "--no-audit", "--no-fund", "oidc-provider@9"];
            let installed = Command::new("npm").args(install).current_dir(&folder).output();
            let installed = installed.expect("npm is there");
            assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity/provider.mjs");
        std::fs::copy(script, folder.join("provider.mjs")).unwrap();
        // The issuer is part of every token: its port must be known before.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("node");
        command.arg("provider.mjs").current_dir(&folder).env("PORT", address.port().to_string());
        command.env("CONSOLE_SECRET", SECRET).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let provider = Self { child, address };
        until("the provider", PATIENCE, async || {
            let call = Call::get("/.well-known/openid-configuration").with("connection", "close");
            Caller::new(address, "").call(&call).await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        provider
    }
}

/// A browser on one host: keeps its cookies.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn ask(&mut self, address: SocketAddr, call: Call) -> Answer {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let call = call.with("connection", "close").with("cookie", &pairs.join("; "));
        let answer = Caller::new(address, "").call(&call).await.unwrap();
        for (_, value) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

fn path_of(location: &str) -> String {
    match location.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("/".to_owned(), |(_, path)| format!("/{path}")),
        None => location.to_owned(),
    }
}

fn between<'a>(text: &'a str, before: &str) -> &'a str {
    text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1.split('"').next().unwrap()
}

/// Goes through the provider's pages as a person would; gives where it sends the browser in the end.
async fn through(provider: SocketAddr, start: &str, person: &str) -> String {
    let (mut browser, mut path) = (Browser::default(), path_of(start));
    for _ in 0..16 {
        let answer = browser.ask(provider, Call::get(&path)).await;
        let next = match answer.header("location") {
            Some(to) => to.to_owned(),
            None => {
                let page = answer.text();
                let prompt = between(&page, "name=\"prompt\" value=\"");
                let form = format!("prompt={prompt}&login={person}&password=any");
                let action = path_of(between(&page, "action=\""));
                let sent = Call::post(&action, "application/x-www-form-urlencoded", form);
                browser.ask(provider, sent).await.header("location").unwrap().to_owned()
            }
        };
        if next.starts_with("http://127.0.0.1:9/") {
            return path_of(&next);
        }
        path = path_of(&next);
    }
    panic!("the provider goes in circles");
}

fn plant(provider: SocketAddr) -> Plant {
    let identity = format!(
        "access:\n  identity:\n    - name: plant\n      title: Plant login\n      issuer: http://{provider}\n      \
         audience: urn:lineshaft:api\n      roles: {{ buyers: buyer, machines: application }}\n      login:\n        \
         client_id: console\n        client_secret: \"${{secret:idp}}\"\n        redirect: http://127.0.0.1:9/login/return\n"
    );
    let mut plant = Plant::new(&identity);
    plant.set("LINESHAFT_SECRET_IDP", SECRET);
    plant.write("systems/feed.yaml", FEED);
    plant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs npm and its registry: cargo nextest run -p lineshaft --run-ignored only -E 'test(real_provider)'"]
async fn people_and_programs_of_a_real_provider() {
    let provider = Provider::start().await;
    let plant = plant(provider.address);
    let (_hub, caller) = plant.started(&plant.token()).await;
    let hub = caller.address;

    // A person with a group that has a role.
    let mut browser = Browser::default();
    let page = browser.ask(hub, Call::get("/login")).await.text();
    assert!(page.contains("Log in with Plant login"), "{page}");
    let away = browser.ask(hub, Call::get("/login/with/plant?return=/objects")).await;
    let back = through(provider.address, away.header("location").unwrap(), "anna").await;
    assert!(back.starts_with("/login/return?"), "{back}");
    // Not in a browser that did not begin it.
    assert_eq!(Browser::default().ask(hub, Call::get(&back)).await.status, 400);
    let away = browser.ask(hub, Call::get("/login/with/plant?return=/objects")).await;
    let back = through(provider.address, away.header("location").unwrap(), "anna").await;
    let arrived = browser.ask(hub, Call::get(&back).with("sec-fetch-site", "cross-site")).await;
    assert_eq!(arrived.status, 200, "{}", arrived.text());
    let page = browser.ask(hub, Call::get("/objects")).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("plant:anna"), "{}", page.text());
    assert_eq!(browser.ask(hub, Call::get("/systems")).await.status, 403);
    // The same answer does not let in twice.
    assert_eq!(browser.ask(hub, Call::get(&back)).await.status, 400);

    // A person without a role.
    let mut stranger = Browser::default();
    let away = stranger.ask(hub, Call::get("/login/with/plant")).await;
    let back = through(provider.address, away.header("location").unwrap(), "bert").await;
    assert_eq!(stranger.ask(hub, Call::get(&back)).await.status, 403);

    // A program.
    let basic = STANDARD.encode(format!("press:{}", SECRET.replace(' ', "+").replace(',', "%2C")));
    let form = "grant_type=client_credentials&resource=urn:lineshaft:api";
    let call = Call::post("/token", "application/x-www-form-urlencoded", form)
        .with("authorization", &format!("Basic {basic}"));
    let answer = Caller::new(provider.address, "").call(&call.with("connection", "close")).await.unwrap();
    let token =
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    assert_eq!(Caller::new(hub, &token).get("/v1/events").await.unwrap().status, 200);
    assert_eq!(Caller::new(hub, &token).get("/v1/dead-letters").await.unwrap().status, 200);
    let cut = token.rsplit_once('.').unwrap().0;
    assert_eq!(Caller::new(hub, &format!("{cut}.AAAA")).get("/v1/events").await.unwrap().status, 401);
    let log = plant.log();
    assert!(!log.contains(SECRET) && !log.contains(&token), "a secret is in the log");
    plant.assert_no_fault();
}
