//! Pages drawn from made-up values: what a person reads is there, and what systems sent stays text.
#![allow(clippy::disallowed_methods)] // Where to write pages for looking at is told by the environment.

mod made_up;

use askama::Template;
use lineshaft_model::record::LettersAction;
use lineshaft_model::shown::{Hit, Overview, Page};
use lineshaft_model::{DeliveryState, Position};

use super::shell::Section;
use super::{
    books, dead_letters, deliveries, event, events, jobs, object, overview, processes, quarantine, search,
    systems,
};
use crate::access::Scope;
use made_up::{
    ago, counted, delivery, edited, editor, job, known, letter, operator, reason, reference, refused, row,
    shell, some_books, some_event, some_overview, some_process, some_systems,
};

/// What a hostile system would send.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

/// Every page, with a text that a system sent.
fn pages(text: &str) -> Vec<(&'static str, String)> {
    let drawn = summaries(text).into_iter().chain(listings(text)).chain(singles(text));
    drawn.map(|(name, page)| (name, page.expect("it renders"))).collect()
}

type Drawn = Vec<(&'static str, askama::Result<String>)>;

fn summaries(text: &str) -> Drawn {
    let hit = Hit { object: reference(), events: 4, latest: Position(7), at: ago(60_000), held: true };
    let mut shell = operator(Section::Other);
    shell.query = text.to_owned();
    let search = search::Page { shell, hits: vec![hit], event: Some(row(7)), too_long: false };
    let shell = operator(Section::Overview);
    let overview = overview::Page::new(shell, some_overview(), Some(ago(540_000)));
    let systems = systems::Page { shell: operator(Section::Systems), systems: some_systems() };
    let books = books::Page { shell: operator(Section::Books), balance: some_books() };
    vec![
        ("search", search.render()),
        ("overview", overview.render()),
        ("systems", systems.render()),
        ("books", books.render()),
    ]
}

fn listings(text: &str) -> Drawn {
    let events = events::Page {
        shell: operator(Section::Events),
        rows: Page { items: (0..12).map(|n| row(1_203_977 - n)).collect(), next: None },
        event_type: text.to_owned(),
        system: String::new(),
        next: Some(String::from("/events?cursor=1")),
    };
    let unfinished = (0..5).map(|n| delivery(n, DeliveryState::ALL[usize::from(n)])).collect();
    let deliveries = deliveries::Page {
        shell: operator(Section::Deliveries),
        rows: Page { items: unfinished, next: None },
        state: None,
        destination: text.to_owned(),
        next: None,
    };
    let dead_letters = dead_letters::Listing {
        shell: operator(Section::DeadLetters),
        rows: Page { items: vec![letter(0), letter(1)], next: None },
        destination: String::new(),
        oldest: true,
        next: None,
    };
    let quarantine = quarantine::Listing {
        shell: operator(Section::Quarantine),
        rows: Page { items: vec![refused(text)], next: None },
        all: false,
        next: None,
        discarded: false,
    };
    let processes = processes::Listing {
        shell: operator(Section::Processes),
        rows: Page { items: vec![some_process(text).row], next: None },
        name: text.to_owned(),
        key: text.to_owned(),
        phase: String::from("held"),
        asking: false,
        next: None,
    };
    vec![
        ("processes", processes.render()),
        ("events", events.render()),
        ("deliveries", deliveries.render()),
        ("dead-letters", dead_letters.render()),
        ("quarantine", quarantine.render()),
    ]
}

fn singles(text: &str) -> Drawn {
    let shell = operator(Section::Objects);
    let object = object::Page::new(shell, reference(), known(text), String::new());
    let event = event::Page::new(operator(Section::Events), some_event(text), "");
    let shell = operator(Section::DeadLetters);
    let dead_letter = dead_letters::Single {
        shell,
        letter: edited(text),
        data: text.to_owned(),
        editor: editor(text),
        editable: true,
        restartable: true,
    };
    let shell = operator(Section::Quarantine);
    let quarantined = quarantine::Single {
        shell,
        row: refused(text),
        size: String::from("1.2 KiB"),
        editor: editor(text),
        editable: true,
        restarted: false,
    };
    let shell = operator(Section::Jobs);
    let jobs = jobs::Listing {
        shell,
        rows: Page { items: vec![job(text)], next: None },
        next: None,
        form: jobs::Asked { to: text.to_owned(), condition: text.to_owned(), ..jobs::Asked::default() },
        destinations: vec![text.to_owned()],
        counted: (text.len() > 3).then(|| counted(text)),
        problem: Some(reason()),
    };
    let shell = operator(Section::DeadLetters);
    let many = dead_letters::ManyPage {
        shell,
        counted: counted(text),
        action: LettersAction::Discard,
        destination: text.to_owned(),
        code: text.to_owned(),
    };
    let process = processes::Single {
        shell: operator(Section::Processes),
        detail: some_process(text),
        input: text.to_owned(),
        output: text.to_owned(),
        done: true,
    };
    vec![
        ("process", process.render()),
        ("jobs", jobs.render()),
        ("many-letters", many.render()),
        ("object", object.render()),
        ("event", event.render()),
        ("dead-letter", dead_letter.render()),
        ("quarantined", quarantined.render()),
    ]
}

#[test]
fn what_systems_send_stays_text_on_every_page() {
    for (name, page) in pages(HOSTILE) {
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{name}: {page}");
        assert!(!page.contains("\"'>"), "{name} lets a text out of its attribute");
    }
}

#[test]
fn no_page_needs_what_the_content_policy_forbids() {
    for (name, page) in pages("steel") {
        assert!(!page.contains(" style=") && !page.contains("<style"), "{name} has style inside");
        assert!(
            !page.contains(" onclick=") && page.matches("<script").count() == 1,
            "{name} has script inside"
        );
        assert!(!page.contains("&#60;") && !page.contains("&lt;"), "{name} shows markup as text");
        assert!(!page.contains("http://") && !page.contains("https://"), "{name} leads outside");
    }
}

#[test]
fn every_page_has_one_heading_labels_and_a_way_past_the_frame() {
    for (name, page) in pages("steel") {
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert!(page.contains("href=\"#main\"") && page.contains("id=\"main\""), "{name}");
        assert!(page.contains("<label class=\"unseen\" for=\"q\">"), "{name}");
        for id in ids(&page) {
            assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{name}: {id} is there twice");
        }
    }
}

fn ids(page: &str) -> impl Iterator<Item = &str> {
    page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_form_that_changes_something_carries_the_sessions_token() {
    for (name, page) in pages("steel") {
        for form in page.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            let posts = form.starts_with("method=\"post\"");
            assert_eq!(posts, form.contains("name=\"form_token\""), "{name}: {form}");
        }
    }
}

#[test]
fn who_may_only_read_is_offered_nothing_to_press() {
    let page = dead_letters::Single {
        shell: shell(Section::DeadLetters, &[Scope::Read]),
        letter: letter(1),
        data: String::new(),
        editor: editor(""),
        editable: true,
        restartable: true,
    };
    let page = page.render().expect("it renders");
    assert!(
        !page.contains("/retry")
            && !page.contains("<textarea")
            && page.contains("that needs the act <code>mend</code>"),
        "{page}"
    );
}

#[test]
fn the_overview_says_what_needs_somebody_first() {
    let page = overview::Page::new(operator(Section::Overview), some_overview(), Some(ago(540_000)));
    let page = page.render().expect("it renders");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("`{text}` is missing"));
    assert!(place("2 dead letters") < place("Production scheduling does not answer"));
    assert!(place("Production scheduling does not answer") < place("Supplier network is paused"));
    assert!(place("Supplier network is paused") < place("1 input in quarantine"));
    assert!(place("1 input in quarantine") < place("Systems and flows"));
    assert!(page.contains("7 later deliveries wait behind them.") && page.contains("9 min ago"));
}

#[test]
fn a_quiet_hub_says_so() {
    let page = overview::Page::new(operator(Section::Overview), Overview::default(), None);
    assert!(page.render().expect("it renders").contains("Nothing needs you"));
}

#[test]
fn a_fragment_is_the_content_without_its_frame() {
    let mut shell = operator(Section::Books);
    shell.viewer.fragment = true;
    let page = books::Page { shell, balance: some_books() }.render().expect("it renders");
    assert!(page.contains("id=\"main\"") && page.contains("id=\"sections\""));
    assert!(!page.contains("<html") && !page.contains("<script"), "{page}");
}

#[test]
fn the_timeline_is_told_newest_first_and_leads_on() {
    let page =
        object::Page::new(operator(Section::Objects), reference(), known("Inventory counted"), String::new());
    let page = page.render().expect("it renders");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("`{text}` is missing"));
    assert!(place("through post-inventory-difference") < place("through send-order"));
    assert!(!page.contains("Purchase order released: delivered"), "the badge says it");
    assert!(page.contains("href=\"/events/1203977#d0\""));
    assert!(page.contains("412 ms after the event"));
}

/// Writes every page as a file, for looking at without a hub.
#[test]
#[ignore = "writes files for people"]
fn pages_to_look_at() {
    let Ok(folder) = std::env::var("CONSOLE_PAGES") else { return };
    for (name, page) in pages("ACME Steel & Co. <Hamburg>") {
        let page = page.replace("data-every=\"1000\"", "data-every=\"0\"");
        std::fs::write(format!("{folder}/{name}.html"), page).expect("the folder can be written");
    }
}
