//! Asks for one page: login, conditions, and what an answer that is none means.

use lineshaft_model::Reason;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

use super::super::ALPN;
use super::super::client::{Client, Reply};
use super::super::config::HttpConfig;
use super::super::connect::Dial;
use super::super::detail;
use super::super::oauth::{OAuth, Pass};
use super::super::plan::{Fixed, Signature};
use super::super::pool::Pool;
use super::super::request::Text;
use super::super::target::Target;
use super::PollConfig;
use super::SINCE;
use crate::Surroundings;
use crate::feeder::{Feeder, Stopped};

/// Why a poll did not come to its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// The hub is stopping.
    Stopped,
    /// The system cannot be read now.
    Failed(Reason),
}

impl From<Stopped> for Ended {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason)
    }
}

/// Everything a request for a page needs.
pub(super) struct PageReader {
    pub(super) client: Client,
    tokens: Option<OAuth>,
    /// Path with the base, and the query's own values.
    pub(super) path: String,
    query: Vec<(String, String)>,
    fixed: SecretString,
    signature: Option<Signature>,
    secrets: Vec<SecretString>,
}

/// A page, or the word that nothing has changed.
#[derive(Debug)]
pub(super) enum Answered {
    Page(Reply),
    Unchanged,
}

/// A system that has no time is asked again for the same page this often.
const MOST_WAITS: usize = 20;
/// How long to wait when it does not say.
const USUAL_WAIT_MS: u64 = 5_000;

impl PageReader {
    pub(super) fn build(
        poll: &PollConfig,
        http: &HttpConfig,
        target: Target,
        with: &Surroundings<'_>,
    ) -> Result<Self, Reason> {
        let mut secrets = Vec::new();
        let fixed = Fixed::build(&target, &http.auth, &poll.request, None, with.secrets, &mut secrets)?;
        let fixed_text = |text: &Text| match text {
            Text::Fixed(text) => text.clone(),
            Text::Slot(_) => String::new(),
        };
        let path = format!("{}{}", target.base_path, fixed_text(&poll.request.path));
        let query = poll.request.query.iter().map(|(name, value)| (name.clone(), fixed_text(value)));
        let dial = Dial {
            tls: if target.tls { Some(http.tls.client(ALPN, with)?) } else { None },
            target,
            outbound: Arc::clone(with.outbound),
            limit_ms: poll.connect_timeout_ms,
        };
        Ok(Self {
            client: Client {
                dial,
                pool: Pool::new(1, http.idle_ms),
                timeout_ms: poll.timeout_ms,
                answer_limit_bytes: poll.page_limit_bytes,
            },
            tokens: http.auth.tokens(&http.tls, poll.timeout_ms, with)?,
            path,
            query: query.collect(),
            fixed: SecretString::from(fixed.lines),
            signature: fixed.signature,
            secrets,
        })
    }

    /// The query's own values, with `{since}` filled in.
    pub(super) fn query(&self, since: Option<&str>) -> Vec<(String, String)> {
        let fill = |value: &String| since.map_or_else(|| value.clone(), |since| value.replace(SINCE, since));
        self.query.iter().map(|(name, value)| (name.clone(), fill(value))).collect()
    }

    /// One page, however often the system has no time for it.
    pub(super) async fn page(
        &self,
        feeder: &Feeder<'_>,
        address: &str,
        known: Option<&str>,
    ) -> Result<Answered, Ended> {
        let mut waits = 0;
        loop {
            let reply = feeder.unless_stopped(self.ask(address, known)).await??;
            match reply.status {
                200..=299 if reply.whole => return Ok(Answered::Page(reply)),
                304 if known.is_some() => return Ok(Answered::Unchanged),
                429 | 503 if waits < MOST_WAITS => {
                    waits += 1;
                    feeder.pause(reply.retry_after_ms.unwrap_or(USUAL_WAIT_MS).max(1)).await?;
                }
                200..=299 => return Err(self.incomplete(address).into()),
                _ => return Err(self.refused(&reply).into()),
            }
        }
    }

    /// One page, asked for once.
    pub(super) async fn first_page(&self, address: &str) -> Result<Vec<u8>, Reason> {
        let reply = self.ask(address, None).await?;
        match reply.status {
            204 => Ok(Vec::new()),
            200..=299 if reply.whole => Ok(reply.body),
            200..=299 => Err(self.incomplete(address)),
            _ => Err(self.refused(&reply)),
        }
    }

    fn incomplete(&self, address: &str) -> Reason {
        let most = self.client.answer_limit_bytes;
        Reason::new("page-incomplete", format!("the page {address} is cut off, or longer than {most} bytes"))
            .hint("ask for smaller pages, or raise `page_limit`")
    }

    async fn ask(&self, address: &str, known: Option<&str>) -> Result<Reply, Reason> {
        loop {
            let pass = match &self.tokens {
                Some(tokens) => Some(tokens.pass().await?),
                None => None,
            };
            let mut head = format!("GET {address} HTTP/1.1\r\n{}", self.fixed.expose_secret());
            if let Some(pass) = &pass {
                head.push_str(&format!("authorization: Bearer {}\r\n", pass.value.expose_secret()));
            }
            if let Some(known) = known {
                head.push_str(&format!("if-none-match: {known}\r\n"));
            }
            if let Some(signature) = &self.signature {
                head.push_str(&signature.line(&[]));
            }
            head.push_str("\r\n");
            let reply = self.client.call("GET", head.as_bytes(), &[]).await?;
            match (&self.tokens, pass) {
                (Some(tokens), Some(pass)) if reply.status == 401 => {
                    tokens.forget(&pass).await;
                    if pass.fresh {
                        return Ok(without(reply, Some(&pass)));
                    }
                }
                (_, pass) => return Ok(without(reply, pass.as_ref())),
            }
        }
    }

    fn refused(&self, reply: &Reply) -> Reason {
        let words = detail::words(&reply.body, &self.secrets);
        let colon = if words.is_empty() { "" } else { ": " };
        let message = format!(
            "{} answered the poll with {}{colon}{words}",
            self.client.dial.target.authority, reply.status
        );
        let hint = match reply.status {
            300..=399 => "redirects are not followed: correct `base_url` or the path",
            401 | 403 => "check `auth` and the rights of its login",
            404 => "check the path",
            400 => "check `query`, and how `since.written` writes {since}",
            _ => "",
        };
        Reason::new("poll-refused", message).hint(hint)
    }
}

/// An answer that is no page, without the token in case it repeats what it was asked.
fn without(mut reply: Reply, pass: Option<&Pass>) -> Reply {
    if let Some(pass) = pass.filter(|_| !(200..300).contains(&reply.status)) {
        reply.body = detail::without(&reply.body, pass.value.expose_secret());
    }
    reply
}

impl std::fmt::Debug for PageReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageReader")
            .field("client", &self.client)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
