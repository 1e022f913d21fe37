//! Who looks, and whether a form is really theirs.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use lineshaft_model::Reason;
use lineshaft_model::sight::Act;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::fault::Fault;
use crate::access::{Caller, Scope, cookie};
use crate::problem::Problem;
use crate::state::State;

/// The person at the browser.
#[derive(Clone, Debug)]
pub(super) struct Viewer {
    /// By the token that logged in.
    pub(super) caller: Caller,
    /// What its cookie holds; empty for a bearer token.
    pub(super) session: String,
    /// What every form of this session carries.
    pub(super) form_token: String,
    /// Whether the script asks for the content only.
    pub(super) fragment: bool,
}

/// A form with nothing but its token.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Bare {
    pub(super) form_token: String,
}

/// The header of the script's own requests.
pub(super) const FRAGMENT: &str = "x-lineshaft-fragment";

impl Viewer {
    /// Lets a form through when it was sent from one of this session's pages.
    pub(super) fn sent(&self, form_token: &str) -> Result<(), Fault> {
        if bool::from(self.form_token.as_bytes().ct_eq(form_token.as_bytes())) {
            return Ok(());
        }
        let reason = Reason::new("form-foreign", "this form does not belong to your session")
            .hint("you may have logged in again meanwhile: go back, load the page again and repeat it");
        Err(Fault::from(Problem::with_status(StatusCode::FORBIDDEN, reason)))
    }

    /// Whether forms that mend something are offered.
    pub(super) fn may_mend(&self) -> bool {
        self.caller.may(Act::Mend)
    }

    /// Whether forms that ask other planning systems, or take their schedules, are offered.
    pub(super) fn may_plan(&self) -> bool {
        self.caller.has(Scope::Operate) && self.caller.sees_plan("")
    }

    /// Whether forms that act on this system are offered.
    pub(super) fn may_operate(&self, system: &str) -> bool {
        self.caller.may_with(Act::Operate, system)
    }
}

/// Derived from the session, so that a page of another site can neither read nor guess it.
fn form_token(session: &str) -> String {
    let digest = Sha256::new().chain_update(b"lineshaft console form\n").chain_update(session).finalize();
    hex::encode(&digest[..16])
}

impl FromRequestParts<State> for Viewer {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Fault> {
        if !parts.method.is_safe() && !same_origin(&parts.headers) {
            let reason = Reason::new("form-foreign", "this form was sent from another site")
                .hint("open the console itself and repeat it there");
            return Err(Fault::from(Problem::with_status(StatusCode::FORBIDDEN, reason)));
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let fragment = parts.headers.contains_key(FRAGMENT);
        let Ok(caller) = state.access.of_request(parts, state.hub.now()).await else {
            let arrives = parts.method == Method::GET && !fragment && comes_from_elsewhere(&parts.headers);
            return Err(match parts.method {
                // A strict cookie stays at home when a link in a mail is followed; asked once more from here, it comes along.
                _ if arrives => Fault::Arrived { path },
                Method::GET => Fault::LoggedOut { path },
                _ => Fault::LoggedOut { path: String::from("/") },
            });
        };
        caller.need(Scope::Read)?;
        let session = cookie(parts).unwrap_or_default().to_owned();
        let form_token = form_token(&session);
        Ok(Self { caller, session, form_token, fragment })
    }
}

impl OptionalFromRequestParts<State> for Viewer {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Option<Self>, Fault> {
        Ok(<Self as FromRequestParts<State>>::from_request_parts(parts, state).await.ok())
    }
}

/// Whether a browser says that a page of this very host sent the request. A request without any such word comes from no
/// browser of today and carries no cookie it was not given on purpose.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, Some("cross-site" | "same-site"))
}

/// A path of this console to go back to; anything else leads to the first page.
pub(super) fn local_path(path: Option<&str>) -> &str {
    let safe = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/login")
            && !path.contains('\\')
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    path.filter(safe).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_forms_of_this_host_pass() {
        let passes = [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://plant:7070"), ("host", "plant:7070")],
            &[("host", "plant:7070")],
        ];
        let fails = [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "http://plant:7070"), ("host", "plant:7070")],
            &[("origin", "http://plant:8080"), ("host", "plant:7070")],
            &[("origin", "null"), ("host", "plant:7070")],
            &[("origin", "http://plant:7070")],
        ];
        for given in passes {
            assert!(same_origin(&headers(given)), "{given:?}");
        }
        for given in fails {
            assert!(!same_origin(&headers(given)), "{given:?}");
        }
    }

    #[test]
    fn one_returns_to_local_paths_only() {
        for good in ["/", "/events/12", "/search?q=PO-1%2F2"] {
            assert_eq!(local_path(Some(good)), good);
        }
        for bad in [
            "",
            "events",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/\r\nx",
            "/login?return=/",
        ] {
            assert_eq!(local_path(Some(bad)), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_form_token_belongs_to_one_session_and_does_not_show_it() {
        let (one, other) = (form_token("lsh_one"), form_token("lsh_other"));
        assert_ne!(one, other);
        assert!(!one.contains("lsh_"));
    }
}
