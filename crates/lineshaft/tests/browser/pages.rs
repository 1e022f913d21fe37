//! What people do with the console.

use serde_json::json;
use thirtyfour::Key;

use super::chromium::Chromium;
use super::demo::Demo;

const JOURNAL: &str = "[...document.querySelectorAll('.figure')].find(f => f.innerText.startsWith('Journal'))\
                       .querySelector('.big').textContent";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_by_its_number_and_told_from_end_to_end() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.open(&demo.link).await;
    browser.until("the overview", "return document.querySelectorAll('.map-wide .node').length >= 4").await;
    let address = browser.ask("return location.href").await;
    assert!(
        !address.as_str().unwrap_or_default().contains("token"),
        "the token stays in the address: {address}"
    );

    // Live: a figure changes on a page that is not loaded again.
    browser.ask("window.untouched = true").await;
    let before = browser.ask(&format!("return {JOURNAL}")).await;
    browser.until("a later journal", &format!("return {JOURNAL} !== {before}")).await;
    browser.until("a belt that moves", "return !!document.querySelector('.belt.moving')").await;
    assert_eq!(browser.ask("return window.untouched").await, json!(true), "the page was loaded again");

    // An order's number, typed where `/` leads.
    browser.open(&format!("{}/objects?type=purchase-order", demo.console)).await;
    let order = "const key = document.querySelector('table.cards tbody th a'); if (!key) location.reload(); return key && key.textContent";
    let order = browser.until("a purchase order", order).await;
    let order = order.as_str().unwrap_or_default().to_owned();
    browser.open(&demo.console).await;
    browser.element("body").await.send_keys("/").await.expect("a key is pressed");
    browser.until("focus on the search", "return document.activeElement.id === 'q'").await;
    browser.element("#q").await.send_keys(order.clone() + Key::Enter).await.expect("the number is typed");

    // One hit opens at once; of several the order itself is chosen.
    browser
        .until("an answer", "return location.pathname !== '/' && document.readyState === 'complete'")
        .await;
    if browser.ask("return location.pathname").await == "/search" {
        let link = format!(
            "[...document.querySelectorAll('tbody a')].find(a => a.href.includes('/purchase-order/') && a.textContent === {})",
            json!(order)
        );
        browser
            .until("the order among the hits", &format!("const a = {link}; if (a) a.click(); return !!a"))
            .await;
    }
    browser
        .until("the order's timeline", "return document.querySelectorAll('.timeline li .what a').length >= 2")
        .await;
    assert_eq!(browser.ask("return document.querySelector('h1').textContent").await, json!(order));
    let systems = browser
        .ask("return new Set([...document.querySelectorAll('.timeline .who')].map(w => w.textContent)).size")
        .await;
    assert!(systems.as_u64() >= Some(2), "the order went through {systems} systems");

    // Its first event: canonical data, raw input, deliveries.
    browser.click(".timeline li:last-child .what a").await;
    browser.until("the event", "return location.pathname.startsWith('/events/') && document.querySelectorAll('.payload').length >= 1").await;
    let data = browser.ask("return document.querySelector('.payload').textContent").await;
    assert!(data.as_str().unwrap_or_default().starts_with("{\n  "), "laid out: {data}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_read_and_sent_on_its_way_again() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    demo.break_system("wms", "refuse").await;
    browser.open(&demo.link).await;
    browser.until("the news on the overview", "return [...document.querySelectorAll('.need strong')].some(s => s.textContent.includes('dead letter'))").await;
    demo.mend_system("wms").await;
    browser.click(".need a[href^='/dead-letters']").await;
    browser.click(".letter h2 a").await;
    let cause =
        "const cause = document.querySelector('.panel.bad .reason'); return cause && cause.textContent";
    let cause = browser.until("why it died", cause).await;
    assert!(cause.as_str().unwrap_or_default().contains("422"), "{cause}");
    browser
        .element("#retry-reason")
        .await
        .send_keys("the warehouse takes it again")
        .await
        .expect("a reason is typed");
    browser.click("form[action$='/retry'] button").await;
    browser
        .until(
            "the event it belongs to",
            "return location.pathname.startsWith('/events/') && location.search === '?done=retry'",
        )
        .await;
    browser.until(
        "that it is delivered",
        "const one = document.querySelector(location.hash + ' .headline .badge'); return one && one.textContent === 'delivered'",
    )
    .await;
    let told = browser.ask("return document.querySelector(location.hash).innerText").await;
    assert!(told.as_str().unwrap_or_default().contains("the warehouse takes it again"), "{told}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_edited_and_the_difference_is_seen_first() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    demo.break_system("wms", "refuse").await;
    browser.open(&demo.link).await;
    browser.until("the news on the overview", "return [...document.querySelectorAll('.need strong')].some(s => s.textContent.includes('dead letter'))").await;
    demo.mend_system("wms").await;
    browser.click(".need a[href^='/dead-letters']").await;
    browser.click(".letter h2 a").await;
    browser.until("the editor", "return !!document.querySelector('#edit-data')").await;
    let typed = "const field = document.querySelector('#edit-data'); const data = JSON.parse(field.value); \
                 data.note = 'seen to <b>by hand</b>'; field.value = JSON.stringify(data, null, 2); return true";
    browser.ask(typed).await;
    browser.element("#edit-reason").await.send_keys("the note was missing").await.expect("a reason is typed");
    browser.click("#editor button[value=preview]").await;
    let told = browser
        .until(
            "the difference",
            "const d = document.querySelector('#difference .changes'); return d && d.innerText",
        )
        .await;
    let told = told.as_str().unwrap_or_default();
    assert!(told.contains("/note") && told.contains("seen to <b>by hand</b>"), "{told}");
    browser.click("#difference button[value=send]").await;
    browser
        .until(
            "the event it belongs to",
            "return location.pathname.startsWith('/events/') && location.search === '?done=edit'",
        )
        .await;
    browser.until(
        "that it is delivered",
        "const one = document.querySelector(location.hash + ' .headline .badge'); return one && one.textContent === 'delivered'",
    )
    .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_counted_first_and_then_runs_to_its_end() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.open(&demo.link).await;
    browser.until("some events", &format!("return Number({JOURNAL}.replace(/\\D/g, '')) > 40")).await;
    browser.open(&format!("{}/jobs", demo.console)).await;
    browser.click("#ask summary").await;
    let to = browser.ask("return document.querySelector('#destinations option').value").await;
    browser.element("input[name=to]").await.send_keys(to.as_str().unwrap_or_default()).await.expect("typed");
    browser.element("input[name=type]").await.send_keys("lineshaft.*.*.*").await.expect("typed");
    browser.element("input[name=where]").await.send_keys(".data |").await.expect("typed");
    browser.click("#ask button[value=preview]").await;
    browser.until("what is wrong", "return !!document.querySelector('[role=alert]')").await;
    browser.ask("document.querySelector('input[name=where]').value = 'true'; return true").await;
    browser.click("#ask button[value=preview]").await;
    let counted = "const of = document.querySelector('#counted h2'); return of && of.textContent";
    let counted = browser.until("the count", counted).await;
    assert!(counted.as_str().unwrap_or_default().contains("would go to"), "{counted}");
    browser.click("#counted button[value=send]").await;
    browser
        .until(
            "its end",
            "const of = document.querySelector('.letter .badge'); return of && of.textContent === 'done'",
        )
        .await;
    for width in [390, 1280] {
        browser.width(width).await;
        let wide = browser.ask("return document.documentElement.scrollWidth").await;
        assert!(wide.as_u64() <= Some(u64::from(width)), "{wide} wide on a screen of {width}");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_is_held_open_with_a_reason_and_left_to_itself_again() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.open(&demo.link).await;
    browser.until("the overview", "return document.querySelectorAll('.map-wide .node').length >= 4").await;
    browser.open(&format!("{}/systems", demo.console)).await;
    browser.click("#breaker-wms summary").await;
    browser
        .element("#breaker-why-wms")
        .await
        .send_keys("its database is being restored")
        .await
        .expect("a reason is typed");
    browser.click("#breaker-wms button[type=submit]").await;
    let told = "const notice = document.querySelector('#wms .notice'); return notice && notice.textContent";
    let told = browser.until("that it is held", told).await;
    assert!(told.as_str().unwrap_or_default().contains("its database is being restored"), "{told}");
    // What it is owed waits in its lane, class by class, and is seen to.
    browser.until("work that waits", "return !!document.querySelector('#wms .chip')").await;
    browser.click("#wms form[action$='/breaker-auto'] button").await;
    browser.until("that it is left to itself", "return !document.querySelector('#wms .notice')").await;
    browser.until("that nothing waits", "return !document.querySelector('#wms .chip')").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_wider_than_a_telephone() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.width(390).await;
    browser.open(&demo.link).await;
    browser.until("some events", &format!("return Number({JOURNAL}.replace(/\\D/g, '')) > 40")).await;
    let found = |path: &str, link: &str| {
        let script = format!(
            "const a = document.querySelector({}); if (!a) location.reload(); return a && a.getAttribute('href')",
            json!(link)
        );
        (format!("{}{path}", demo.console), script)
    };
    let mut paths: Vec<String> = [
        "/",
        "/dead-letters",
        "/quarantine",
        "/deliveries",
        "/events",
        "/objects",
        "/jobs",
        "/systems",
        "/planning",
        "/planning/what-if",
        "/planning/schedules",
        "/planning/item?item=RM-1001&site=P100",
        "/planning/options?item=RM-1001&site=P100",
        "/books",
        "/search?q=0",
        "/nowhere",
    ]
    .map(String::from)
    .to_vec();
    for (page, link) in [("/events", "tbody th a"), ("/objects?type=purchase-order", "tbody th a")] {
        let (url, script) = found(page, link);
        browser.open(&url).await;
        let path = browser.until(page, &script).await;
        paths.push(path.as_str().unwrap_or_default().to_owned());
    }
    for path in paths {
        for width in [390, 1280] {
            browser.width(width).await;
            browser.open(&format!("{}{path}", demo.console)).await;
            let wide = browser.ask("return document.documentElement.scrollWidth").await;
            assert!(wide.as_u64() <= Some(u64::from(width)), "{path} is {wide} wide on a screen of {width}");
        }
    }
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_anything_without_a_token() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.open(&format!("{}/events?system=erp", demo.console)).await;
    browser.until("the login", "return location.pathname === '/login'").await;
    browser.element("#token").await.send_keys("lsh_wrong").await.expect("a token is typed");
    browser.click("button[type=submit]").await;
    browser.until("that it is wrong", "return !!document.querySelector('[role=alert]')").await;
    let token = demo.link.split("token=").nth(1).unwrap_or_default();
    browser.element("#token").await.send_keys(token).await.expect("a token is typed");
    browser.click("button[type=submit]").await;
    browser
        .until(
            "the page that was asked for",
            "return location.pathname + location.search === '/events?system=erp'",
        )
        .await;
    assert_eq!(browser.ask("return document.cookie").await, json!(""), "a script can read the session");

    // A form without the session's own token does nothing; the API's description is there for who is logged in.
    let asked = "window.told = null; Promise.all([\
                 fetch('/systems/erp/pause', { method: 'POST', body: new URLSearchParams({ form_token: 'guessed', reason: 'x' }) }),\
                 fetch('/openapi.json')]).then(all => window.told = all.map(one => one.status)); return true";
    browser.ask(asked).await;
    let told = browser.until("two answers", "return window.told").await;
    assert_eq!(told, json!([403, 200]));
    browser.click("form[action='/logout'] button").await;
    browser.until("the login again", "return location.pathname === '/login'").await;
    browser.open(&demo.console).await;
    browser.until("still the login", "return location.pathname === '/login'").await;
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_planners_schedule_is_asked_for_and_stands_beside_ours() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.open(&demo.link).await;
    browser.until("the overview", "return document.querySelectorAll('.map-wide .node').length >= 4").await;
    let some = "const row = document.querySelector('tbody th a'); if (!row) location.reload(); return !!row";
    browser.open(&format!("{}/objects?type=production-order", demo.console)).await;
    browser.until("a production order", some).await;
    browser.open(&format!("{}/planning/schedules", demo.console)).await;
    browser.click("form[action='/planning/schedules/request'] button").await;
    browser.until("that it was asked", "return !!document.querySelector('[role=status].notice-ok')").await;
    browser.click("tbody a[href^='/planning/schedule?']").await;
    browser
        .until(
            "the comparison",
            "return location.pathname === '/planning/schedule' && !!document.querySelector('.facts')",
        )
        .await;
    for width in [390, 1280] {
        browser.width(width).await;
        let wide = browser.ask("return document.documentElement.scrollWidth").await;
        assert!(wide.as_u64() <= Some(u64::from(width)), "it is {wide} wide on a screen of {width}");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planner_sees_what_a_count_takes_away() {
    let (demo, browser) = (Demo::start().await, Chromium::start().await);
    browser.open(&demo.link).await;
    browser.until("the overview", "return document.querySelectorAll('.map-wide .node').length >= 4").await;
    browser.open(&format!("{}/planning", demo.console)).await;
    // The factory counts a shelf where parts are missing and holds the orders that need them.
    browser.until("a shortage", "return !!document.querySelector(\"a[href^='/planning/item']\")").await;
    browser
        .until("an order that slips", "return document.querySelectorAll('.gantt tbody tr').length >= 1")
        .await;
    browser.click("a[href^='/planning/item']").await;
    browser
        .until("the item's stock over time", "return !!document.querySelector('svg.stock .balance')")
        .await;
    let balances =
        "return [...document.querySelectorAll('td[data-label=Balance]')].map(cell => cell.textContent)";
    let balances = browser.ask(balances).await;
    let fallen = balances
        .as_array()
        .into_iter()
        .flatten()
        .any(|balance| balance.as_str().is_some_and(|text| text.starts_with('-')));
    assert!(fallen, "something is missing: {balances}");
    // What is not covered in time is told where it is drawn.
    let told = browser.ask("return document.querySelector('svg.stock rect.late title').textContent").await;
    assert!(told.as_str().unwrap_or_default().contains("covered"), "{told}");

    // The page hears of it at once: what has happened is counted, and whoever has seen less is answered.
    let ask = "window.told = 0; fetch(document.body.dataset.pulse + '?seen=0').then(a => a.text()).then(t => window.told = Number(t)); return true";
    browser.ask(ask).await;
    browser.until("the pulse", "return window.told > 0").await;

    // What could be done, ranked by an objective that is stated and can be changed.
    browser.click("a[href^='/planning/options']").await;
    browser.until("options", "return document.querySelectorAll('table.options tbody tr').length >= 2").await;
    let objective = browser.ask("return document.querySelector('.objective').textContent").await;
    assert!(objective.as_str().unwrap_or_default().contains("times 1 a day"), "{objective}");
    let scores =
        "return [...document.querySelectorAll('td[data-label=Score]')].map(cell => Number(cell.textContent))";
    let scores: Vec<f64> = serde_json::from_value(browser.ask(scores).await).expect("numbers");
    assert!(scores.is_sorted(), "the best first: {scores:?}");
    browser.ask("const field = document.querySelector('input[name=day_cost]'); field.value = '2'; field.form.submit(); return true").await;
    browser
        .until(
            "the other objective",
            "return document.querySelector('.objective')?.textContent.includes('times 2 a day')",
        )
        .await;

    // An order that is held: why, and what is pegged to it.
    browser.open(&format!("{}/planning", demo.console)).await;
    browser.click(".gantt a[href^='/planning/order']").await;
    browser.until("why it slips", "return document.querySelectorAll('ol.chain li').length >= 2").await;
    assert_eq!(browser.ask("return document.querySelectorAll('.columns section').length").await, json!(2));

    // Alternatives of one's own, side by side: the order later, or gone.
    let order = browser.ask("return new URL(location).searchParams.get('order')").await;
    let order = order.as_str().unwrap_or_default().to_owned();
    browser.open(&format!("{}/planning/what-if", demo.console)).await;
    let fill = format!(
        "const all = name => [...document.querySelectorAll(`[name=${{name}}]`)]; const [a, b] = [0, 2]; \
         all('key')[a].value = all('key')[b].value = {}; all('what')[a].value = 'order-start'; all('value')[a].value = '2027-01-15'; \
         all('what')[b].value = 'gone'; document.querySelector('form.what-if').submit(); return true",
        json!(order)
    );
    browser.ask(&fill).await;
    browser
        .until(
            "both side by side",
            "return document.querySelectorAll('table.compared tbody tr').length === 2",
        )
        .await;
    let names =
        "return [...document.querySelectorAll('table.compared tbody th')].map(cell => cell.textContent)";
    assert_eq!(browser.ask(names).await, json!(["A", "B"]));
    browser
        .open(&format!("{}/planning/what-if?alt=A&what=gone&key=nothing-of-the-kind&value=", demo.console))
        .await;
    browser.until("that there is no such thing", "return !!document.querySelector('[role=alert]')").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
    demo.end().await;
}
