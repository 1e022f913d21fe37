//! People who log in by a password: in, out, slowed down when they guess, and gone at once when they are disabled.

use std::io::Write;
use std::process::Stdio;

use super::House;
use crate::caller::{Answer, Call, Caller};
use crate::plant::Plant;

const PASSWORD: &str = "four words that fit";

/// A command that reads a password from a pipe.
fn with_password(plant: &Plant, arguments: &[&str], password: &str) -> bool {
    let mut child = plant
        .program(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait().unwrap().success()
}

async fn log_in(house: &House, name: &str, password: &str) -> Answer {
    let form = format!("name={name}&password={}", password.replace(' ', "+"));
    let call =
        Call::post("/login", "application/x-www-form-urlencoded", form).with("sec-fetch-site", "same-origin");
    Caller::new(house.address, "").call(&call).await.unwrap()
}

fn session(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn status(house: &House, path: &str, cookie: &str) -> u16 {
    Caller::new(house.address, "").call(&Call::get(path).with("cookie", cookie)).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_comes_in_sees_what_the_role_shows_and_is_out_when_disabled() {
    let house = House::open().await;
    let add = ["user", "add", "anna", "--role", "buyer", "--data", "data"];
    assert!(!with_password(&house.plant, &add, "short"), "a weak password is refused");
    assert!(with_password(&house.plant, &add, PASSWORD));
    let page = Caller::new(house.address, "").get("/login").await.unwrap().text();
    assert!(page.contains("name=\"password\""), "the page asks for a name and a password: {page}");

    let arrived = log_in(&house, "anna", PASSWORD).await;
    assert_eq!(arrived.status, 303);
    let cookie = session(&arrived);
    assert!(!cookie.contains(PASSWORD) && cookie.len() > 50, "{cookie}");
    assert_eq!(status(&house, "/objects?type=purchase-order", &cookie).await, 200);
    assert_eq!(status(&house, "/systems", &cookie).await, 403);
    // A session is the browser's: it is no token for programs.
    let id = cookie.split_once('=').unwrap().1;
    assert_eq!(Caller::new(house.address, id).get("/v1/events").await.unwrap().status, 401);
    // A form of another site changes nothing, even with the cookie.
    let form = Call::post("/dead-letters/1.0/retry", "application/x-www-form-urlencoded", "form_token=x")
        .with("cookie", &cookie);
    for site in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")] {
        let call = form.clone().with(site.0, site.1);
        assert_eq!(Caller::new(house.address, "").call(&call).await.unwrap().status, 403);
    }

    house.plant.printed(&["user", "disable", "anna", "--data", "data"]);
    assert_eq!(status(&house, "/objects", &cookie).await, 303, "the session has ended");
    assert_eq!(log_in(&house, "anna", PASSWORD).await.status, 401);
    house.plant.printed(&["user", "enable", "anna", "--data", "data"]);
    assert!(with_password(
        &house.plant,
        &["user", "password", "anna", "--data", "data"],
        "quite another one"
    ));
    let cookie = session(&log_in(&house, "anna", "quite another one").await);
    assert!(!house.plant.log().contains(PASSWORD));

    // Logging out ends it on the hub, not only in the browser.
    let page = Caller::new(house.address, "")
        .call(&Call::get("/objects").with("cookie", &cookie))
        .await
        .unwrap()
        .text();
    let form_token =
        page.split_once("name=\"form_token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let out = Call::post("/logout", "application/x-www-form-urlencoded", format!("form_token={form_token}"))
        .with("cookie", &cookie)
        .with("sec-fetch-site", "same-origin");
    assert_eq!(Caller::new(house.address, "").call(&out).await.unwrap().status, 303);
    assert_eq!(status(&house, "/objects", &cookie).await, 303);
    house.plant.assert_no_fault();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_waits_and_is_told_nothing() {
    let house = House::open().await;
    assert!(with_password(
        &house.plant,
        &["user", "add", "anna", "--role", "buyer", "--data", "data"],
        PASSWORD
    ));
    let (wrong, nobody) = tokio::join!(log_in(&house, "anna", "wrong"), log_in(&house, "nobody", "wrong"));
    assert_eq!((wrong.status, nobody.status), (401, 401));
    assert_eq!(wrong.text(), nobody.text(), "who is known here is not told");
    tokio::join!(
        log_in(&house, "anna", "wrong"),
        log_in(&house, "anna", "wrong"),
        log_in(&house, "anna", "wrong")
    );
    let mut last = log_in(&house, "anna", "wrong").await;
    for _ in 0..6 {
        if last.status == 429 {
            break;
        }
        last = log_in(&house, "anna", "wrong").await;
    }
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    // The right one waits too.
    assert_eq!(log_in(&house, "anna", PASSWORD).await.status, 429);
}
