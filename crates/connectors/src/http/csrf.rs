//! The token that SAP and its kind want with every change, and the cookies it belongs to: one for a whole system, fetched by
//! one call at a time.

use std::fmt;
use std::sync::Arc;

use lineshaft_model::Reason;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::client::{Client, Reply};

/// The token that is good now, the same for all operations of a system.
#[derive(Debug, Default)]
pub(super) struct CsrfTokens {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: Option<SecretString>,
    count: u64,
}

/// Header lines with a token and its cookies.
pub(super) struct Lines {
    pub(super) text: SecretString,
    number: u64,
    /// Whether it was fetched for this very call: then another one would be no better.
    pub(super) fresh: bool,
}

/// Fetches tokens.
pub(super) struct Csrf {
    pub(super) client: Arc<Client>,
    /// A request's first line and its fixed lines.
    pub(super) head: SecretString,
    pub(super) tokens: Arc<CsrfTokens>,
}

impl Csrf {
    /// A token that is good now. `login` are the header lines of a login that changes.
    pub(super) async fn lines(&self, login: &str) -> Result<Lines, Reason> {
        let mut state = self.tokens.state.lock().await;
        if let Some(text) = &state.lines {
            return Ok(Lines { text: text.clone(), number: state.count, fresh: false });
        }
        let head = format!("{}{login}x-csrf-token: Fetch\r\n\r\n", self.head.expose_secret());
        let reply = self.client.call("GET", head.as_bytes(), &[]).await?;
        let text = SecretString::from(self.read(&reply)?);
        state.count += 1;
        state.lines = Some(text.clone());
        Ok(Lines { text, number: state.count, fresh: true })
    }

    /// The system did not take this token: the next call fetches another one.
    pub(super) async fn forget(&self, lines: &Lines) {
        let mut state = self.tokens.state.lock().await;
        if state.count == lines.number {
            state.lines = None;
        }
    }

    fn read(&self, reply: &Reply) -> Result<String, Reason> {
        let whose = &self.client.dial.target.authority;
        let token = reply.field("x-csrf-token").filter(|token| !token.eq_ignore_ascii_case("required"));
        if token.is_none() && !(200..300).contains(&reply.status) {
            let message = format!("{whose} gave no CSRF token and answered {}", reply.status);
            return Err(Reason::new("csrf-refused", message)
                .hint("check `base_url`, which must be the service's root, and the rights of `auth`"));
        }
        let cookies: Vec<&str> =
            reply.all("set-cookie").filter_map(|cookie| cookie.split(';').next()).map(str::trim).collect();
        let mut lines = String::new();
        // A service without a token needs none, and then the change says so itself.
        for (name, value) in [
            ("x-csrf-token", token),
            ("cookie", (!cookies.is_empty()).then(|| cookies.join("; ")).as_deref()),
        ] {
            if let Some(value) = value.filter(|value| super::request::is_header_safe(value)) {
                lines.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        Ok(lines)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("count", &self.count).finish_non_exhaustive()
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csrf").field("client", &self.client).finish_non_exhaustive()
    }
}
