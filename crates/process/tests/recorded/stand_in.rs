//! The web services the scenarios call, as far as they need them.

use std::collections::BTreeMap;

use lineshaft_process::{Answer, Doc, Effect, HttpAnswer, HttpRequest, Text};

const PET: &str = r#"{"id":1,"name":"doggie","status":"available"}"#;

/// What comes of an effect.
pub(crate) fn answer(effect: &Effect) -> Answer {
    match effect {
        Effect::Http(request) => {
            let (status, content) = web(request);
            http(status, &content, &request.uri)
        }
        Effect::OpenApi { operation, parameters, .. } => match operation.as_str() {
            "findPetsByStatus" if parameters.member("status").is_some() => {
                http(200, &format!("[{PET}]"), "made up")
            }
            "getPetById" => http(200, &pet(parameters.member("petId").unwrap().as_str()), "made up"),
            other => panic!("no operation {other}"),
        },
        _ => Answer::Done(Doc::empty()),
    }
}

fn web(request: &HttpRequest) -> (u16, String) {
    let path = request.uri.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap().1;
    if path.starts_with("v2/pet/findByStatus?status=") {
        return (200, format!("[{PET}]"));
    }
    if let Some(user) = path.strip_prefix("basic-auth/") {
        let auth = request.auth.as_ref().unwrap();
        let plain = |name: &str| match &auth.values[name] {
            Text::Plain(text) => text.clone(),
            Text::Secret { .. } => panic!("no secret is meant"),
        };
        let good = user == format!("{}/{}", plain("username"), plain("password"));
        return if good { (200, r#"{"authenticated":true}"#.to_owned()) } else { (401, "null".to_owned()) };
    }
    match path.strip_prefix("v2/pet/").filter(|id| id.bytes().all(|b| b.is_ascii_digit())) {
        Some(id) => (200, pet(id)),
        None => (404, "null".to_owned()),
    }
}

fn pet(id: &str) -> String {
    PET.replace(":1,", &format!(":{id},"))
}

fn http(status: u16, content: &str, uri: &str) -> Answer {
    Answer::Http(HttpAnswer {
        status,
        headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
        content: Doc::parse(content).unwrap(),
        raw: String::new(),
        method: "get".to_owned(),
        uri: uri.to_owned(),
    })
}
