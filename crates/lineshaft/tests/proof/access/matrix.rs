//! A table of every route and every role. A route that nobody has put into the table fails the test.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{HOLDERS, House};
use crate::caller::{Call, Caller};

/// A route as it is mounted, and a request that comes as far as the decision about it. What would change something lacks its
/// reason, so that whoever may gets 422, or is no document, so that whoever may gets 400.
const API: &[(&str, &str, &str)] = &[
    ("get", "/healthz", "/healthz"),
    ("get", "/readyz", "/readyz"),
    ("get", "/metrics", "/metrics"),
    ("get", "/openapi.json", "/openapi.json"),
    ("get", "/problems/{code}", "/problems/forbidden"),
    ("get", "/v1/events", "/v1/events"),
    ("post", "/v1/events", "/v1/events"),
    ("get", "/v1/events/stream", ""),
    ("get", "/v1/events/{position}", "/v1/events/{own}"),
    ("post", "/v1/in/{system}/{source}", "/v1/in/feed/counts"),
    ("get", "/v1/objects", "/v1/objects"),
    ("get", "/v1/objects/{type}", "/v1/objects/purchase-order"),
    ("get", "/v1/objects/{type}/{key}", "/v1/objects/purchase-order/PO-S1"),
    ("get", "/v1/search", "/v1/search?q=PO-S1"),
    ("get", "/v1/deliveries", "/v1/deliveries"),
    ("get", "/v1/deliveries/{id}", "/v1/deliveries/{own}.0"),
    ("get", "/v1/dead-letters", "/v1/dead-letters"),
    ("post", "/v1/dead-letters/bulk", "/v1/dead-letters/bulk"),
    ("get", "/v1/dead-letters/{id}", "/v1/dead-letters/{own}.0"),
    ("post", "/v1/dead-letters/{id}/{action}", "/v1/dead-letters/{own}.0/discard"),
    ("post", "/v1/dead-letters/{id}/edit", "/v1/dead-letters/{own}.0/edit"),
    ("post", "/v1/dead-letters/{id}/preview", "/v1/dead-letters/{own}.0/preview"),
    ("get", "/v1/quarantine", "/v1/quarantine"),
    ("get", "/v1/quarantine/{position}", "/v1/quarantine/{refused}"),
    ("post", "/v1/quarantine/{position}/{action}", "/v1/quarantine/{refused}/discard"),
    ("post", "/v1/quarantine/{position}/edit", "/v1/quarantine/{refused}/edit"),
    ("post", "/v1/quarantine/{position}/preview", "/v1/quarantine/{refused}/preview"),
    ("post", "/v1/replays", "/v1/replays"),
    ("get", "/v1/jobs", "/v1/jobs"),
    ("get", "/v1/jobs/{position}", "/v1/jobs/1"),
    ("post", "/v1/jobs/{position}/{action}", "/v1/jobs/1/cancel"),
    ("get", "/v1/systems", "/v1/systems"),
    ("post", "/v1/systems/{name}/{action}", "/v1/systems/aps/pause"),
    ("get", "/v1/availability", "/v1/availability?item=BOLT&site=P100"),
    ("get", "/v1/shortages", "/v1/shortages"),
    ("get", "/v1/shortages/options", "/v1/shortages/options?item=BOLT&site=P100"),
    ("post", "/v1/impact", "/v1/impact"),
    ("get", "/v1/impacts", "/v1/impacts"),
    ("get", "/v1/plan", "/v1/plan"),
    ("get", "/v1/plan/late-orders", "/v1/plan/late-orders"),
    ("get", "/v1/plan/orders/{key}", "/v1/plan/orders/none"),
    ("get", "/v1/plan/pegging", "/v1/plan/pegging?order=none"),
    ("get", "/v1/plan/request", "/v1/plan/request"),
    ("post", "/v1/plan/request", "/v1/plan/request?horizon=none"),
    ("get", "/v1/plan/schedules", "/v1/plan/schedules"),
    ("get", "/v1/plan/schedules/{schedule}", "/v1/plan/schedules/none"),
    ("post", "/v1/plan/schedules/{schedule}/take", "/v1/plan/schedules/none/take"),
    ("get", "/v1/processes", "/v1/processes"),
    ("get", "/v1/processes/{id}", "/v1/processes/none"),
    ("post", "/v1/processes/{id}/{action}", "/v1/processes/none/retry"),
    ("get", "/v1/cases", "/v1/cases"),
    ("post", "/v1/commands/{name}", "/v1/commands/none"),
    ("get", "/v1/balance", "/v1/balance"),
    ("get", "/v1/overview", "/v1/overview"),
    ("post", "/v1/configuration/reload", "/v1/configuration/reload"),
];

/// The same for the pages of the console, asked for with a session and its form token.
const CONSOLE: &[(&str, &str, &str)] = &[
    ("get", "/", "/"),
    ("get", "/search", "/search?q=nothing-at-all"),
    ("get", "/objects", "/objects?type=purchase-order"),
    ("get", "/objects/{type}/{*key}", "/objects/purchase-order/PO-S1"),
    ("get", "/events", "/events"),
    ("get", "/events/{position}", "/events/{own}"),
    ("get", "/deliveries", "/deliveries"),
    ("get", "/dead-letters", "/dead-letters"),
    ("post", "/dead-letters/many", "/dead-letters/many"),
    ("get", "/dead-letters/{id}", "/dead-letters/{own}.0"),
    ("post", "/dead-letters/{id}/{action}", "/dead-letters/{own}.0/discard"),
    ("post", "/dead-letters/{id}/edit", "/dead-letters/{own}.0/edit"),
    ("get", "/quarantine", "/quarantine"),
    ("get", "/quarantine/{position}", "/quarantine/{refused}"),
    ("post", "/quarantine/{position}/{action}", "/quarantine/{refused}/discard"),
    ("post", "/quarantine/{position}/edit", "/quarantine/{refused}/edit"),
    ("get", "/jobs", "/jobs"),
    ("post", "/jobs", "/jobs"),
    ("post", "/jobs/{id}/{action}", "/jobs/1/cancel"),
    ("get", "/systems", "/systems"),
    ("post", "/systems/{name}/{action}", "/systems/aps/pause"),
    ("get", "/processes", "/processes"),
    ("get", "/processes/{id}", "/processes/none"),
    ("post", "/processes/{id}/{action}", "/processes/none/retry"),
    ("get", "/planning", "/planning"),
    ("get", "/planning/pulse", "/planning/pulse?seen=4000000000"),
    ("get", "/planning/options", "/planning/options?item=BOLT&site=P100"),
    ("get", "/planning/order", "/planning/order?order=none"),
    ("get", "/planning/what-if", "/planning/what-if"),
    ("get", "/planning/schedules", "/planning/schedules"),
    ("post", "/planning/schedules/request", "/planning/schedules/request"),
    ("get", "/planning/schedule", "/planning/schedule?schedule=none"),
    ("post", "/planning/schedule/take", "/planning/schedule/take"),
    ("get", "/planning/item", "/planning/item?item=BOLT&site=P100"),
    ("get", "/books", "/books"),
    ("get", "/login", ""),
    ("post", "/login", ""),
    ("get", "/login/with/{provider}", ""),
    ("get", "/login/return", ""),
    ("post", "/logout", ""),
    ("get", "/assets/{file}", ""),
];

/// Method and path of every `.route(...)` in a router's own source.
fn mounted(source: &str) -> BTreeSet<(String, String)> {
    let mut mounted = BTreeSet::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
        let (path, handlers) = line.split_once('"').expect("a path ends");
        for method in ["get", "post", "put", "delete"] {
            if [" ", ".", "("].iter().any(|before| handlers.contains(&format!("{before}{method}("))) {
                mounted.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    mounted
}

fn listed(table: &[(&str, &str, &str)]) -> BTreeSet<(String, String)> {
    table.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect()
}

#[test]
fn every_route_has_its_row() {
    let console = mounted(include_str!("../../../../web/src/console.rs"));
    assert_eq!(console, listed(CONSOLE), "a page without a row in the table of roles");
    let api: BTreeSet<(String, String)> = mounted(include_str!("../../../../web/src/api.rs"))
        .into_iter()
        .map(|(method, path)| (method, path.replace("{*", "{")))
        .collect();
    assert_eq!(api, listed(API), "a route without a row in the table of roles");
}

/// Where the first supplier's order and the refused input are.
struct Places {
    own: String,
    refused: String,
}

impl Places {
    fn fill(&self, path: &str) -> String {
        path.replace("{own}", &self.own).replace("{refused}", &self.refused)
    }
}

async fn places(house: &House) -> Places {
    let mut caller = house.caller("integration-engineer");
    let events = caller
        .get("/v1/events?subject=PO-S1&type=lineshaft.purchase-order.released.v1")
        .await
        .unwrap()
        .json();
    let refused = caller.get("/v1/quarantine").await.unwrap().json();
    Places {
        own: events["items"][0]["position"].to_string(),
        refused: refused["items"][0]["position"].to_string(),
    }
}

/// A cookie with the session and the token that its forms carry.
async fn session(house: &House, role: &str) -> (String, String) {
    let cookie = format!("lineshaft_session={}", house.token(role));
    let mut caller = Caller::new(house.address, "");
    // Every role that may look at all has some page.
    for path in ["/objects", "/systems"] {
        let page = caller.call(&Call::get(path).with("cookie", &cookie)).await.unwrap().text();
        if let Some((_, rest)) = page.split_once("name=\"form_token\" value=\"") {
            return (cookie, rest.split('"').next().unwrap().to_owned());
        }
    }
    (cookie, String::from("none"))
}

async fn status_of(call: &Call, caller: &mut Caller) -> String {
    let answer = caller.call(call).await.unwrap();
    match (answer.status, answer.header("location")) {
        (303, Some(to)) => format!("303 {}", to.split(['?', '#']).next().unwrap_or_default()),
        (status, _) => status.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_for_every_role() {
    let house = House::open().await;
    let places = places(&house).await;
    let short = |role: &str| role.split('-').next().unwrap_or_default().to_owned();
    let heads: String = HOLDERS.iter().map(|(role, _)| format!("{:<15}", short(role))).collect();
    let mut table = format!("{:<46}{}\n", "", heads.trim_end());
    for (method, path, request) in API.iter().filter(|(.., request)| !request.is_empty()) {
        let mut row = String::new();
        for (role, _) in HOLDERS {
            let mut caller = house.caller(role);
            let call = match *method {
                "get" => Call::get(&places.fill(request)),
                _ => Call::post(
                    &places.fill(request),
                    "application/json",
                    if request.ends_with("counts") || request.ends_with("impact") || *request == "/v1/events"
                    {
                        "["
                    } else {
                        ""
                    },
                ),
            };
            let call = if *request == "/v1/events" && *method == "post" {
                Call::post(request, "application/cloudevents+json", "[")
            } else {
                call
            };
            write!(row, "{:<15}", status_of(&call, &mut caller).await).unwrap();
        }
        writeln!(table, "{:<46}{}", format!("{method} {path}"), row.trim_end()).unwrap();
    }
    table.push('\n');
    for (method, path, request) in CONSOLE.iter().filter(|(.., request)| !request.is_empty()) {
        let mut row = String::new();
        for (role, _) in HOLDERS {
            let (cookie, form_token) = session(&house, role).await;
            let mut caller = Caller::new(house.address, "");
            let call = match *method {
                "get" => Call::get(&places.fill(request)),
                _ => {
                    // Where there is a step before the last, it is that one: nothing is changed.
                    let form = format!("form_token={form_token}&reason=&action=retry&step=preview&text=x");
                    Call::post(&places.fill(request), "application/x-www-form-urlencoded", form)
                }
            };
            let call = call.with("cookie", &cookie).with("sec-fetch-site", "same-origin");
            write!(row, "{:<15}", status_of(&call, &mut caller).await).unwrap();
        }
        writeln!(table, "{:<46}{}", format!("{method} {path}"), row.trim_end()).unwrap();
    }
    insta::assert_snapshot!(table);
    house.plant.assert_no_fault();
}
