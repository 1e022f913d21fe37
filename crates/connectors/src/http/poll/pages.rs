//! Where the next page of a poll is. Whatever an answer says, only the system's own host is ever asked.

use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Pointer, Value};

use super::super::client::Reply;
use super::super::request::{check_target, percent_encode};
use super::super::target::Target;
use crate::settings::{Section, short};

/// `pages` of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pages {
    /// One answer has everything.
    One,
    /// A `Link` field with `rel="next"` (RFC 8288).
    Link,
    /// A pointer into the answer that leads to the next page's address, as OData's `@odata.nextLink`.
    Next(String),
    /// A pointer into the answer that leads to a cursor, sent back as this query value.
    Cursor { at: String, query: String },
    /// So many records are passed over; so many are asked for.
    Offset { query: String, size: Option<(String, u64)> },
    /// Pages are numbered.
    Number { query: String, first: u64, size: Option<(String, u64)> },
}

#[derive(Clone, Copy)]
enum By {
    One,
    Link,
    Next,
    Cursor,
    Offset,
    Number,
}

impl Pages {
    /// Reads `pages`; without it there is one.
    pub(super) fn parse(poll: &mut Section<'_>) -> Option<Self> {
        let Some(mut pages) = poll.section("pages") else { return Some(Self::One) };
        let words = [
            ("link", By::Link),
            ("next", By::Next),
            ("cursor", By::Cursor),
            ("offset", By::Offset),
            ("number", By::Number),
        ];
        if pages.value("by").is_none() {
            pages.missing("by", "say how the next page is found: link, next, cursor, offset or number");
        }
        let read = match pages.choice("by", By::One, &words) {
            By::One => None,
            By::Link => Some(Self::Link),
            By::Next => pointer(&mut pages, "/@odata.nextLink").map(Self::Next),
            By::Cursor => {
                let at = pointer(&mut pages, "/next_cursor");
                let query = pages.text("query").unwrap_or("cursor");
                at.map(|at| Self::Cursor { at, query: percent_encode(query) })
            }
            By::Offset => {
                let query = percent_encode(pages.text("query").unwrap_or("offset"));
                Some(Self::Offset { query, size: size(&mut pages) })
            }
            By::Number => {
                let query = percent_encode(pages.text("query").unwrap_or("page"));
                let first = whole_number(&mut pages, "first", 1, 0..=1_000_000);
                Some(Self::Number { query, first, size: size(&mut pages) })
            }
        };
        pages.finish();
        read
    }

    /// Whether records may move between pages while they are read: then what is new is looked for until nothing is.
    pub(super) const fn may_shift(&self) -> bool {
        // Links often are offsets in disguise.
        !matches!(self, Self::One | Self::Cursor { .. })
    }

    /// The query values of the first page.
    pub(super) fn first(&self) -> Vec<(String, String)> {
        match self {
            Self::Offset { query, size } => {
                let start = (query.clone(), "0".to_owned());
                std::iter::once(start).chain(sized(size.as_ref())).collect()
            }
            Self::Number { query, first, size } => {
                std::iter::once((query.clone(), first.to_string())).chain(sized(size.as_ref())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The address of the page after one that was read whole; `None` after the last. `path` is the poll's path, `query` its
    /// own values, `asked` the address of the page that `reply` is, `number` counts pages from 0 and `records` what was
    /// on this one, `before` what was on all pages so far.
    pub(super) fn next(
        &self,
        target: &Target,
        page: &Page<'_>,
        reply: &Reply,
    ) -> Result<Option<String>, Reason> {
        let again = |name: &str, value: String| {
            let mut query = page.query.to_vec();
            query.push((name.to_owned(), value));
            query
        };
        let query = match self {
            Self::One => return Ok(None),
            Self::Link => {
                return next_link(reply).map(|link| resolve(target, page.asked, link)).transpose();
            }
            Self::Next(at) => {
                return match text_at(reply, at)? {
                    Some(link) => resolve(target, page.asked, &link).map(Some),
                    None => Ok(None),
                };
            }
            Self::Cursor { at, query } => match text_at(reply, at)? {
                Some(cursor) => again(query, percent_encode(&cursor)),
                None => return Ok(None),
            },
            Self::Offset { size, .. } | Self::Number { size, .. } if is_last(size.as_ref(), page.records) => {
                return Ok(None);
            }
            Self::Offset { query, size } => {
                let mut all = again(query, page.before.to_string());
                all.extend(sized(size.as_ref()));
                all
            }
            Self::Number { query, first, size } => {
                let mut all = again(query, (first + page.number + 1).to_string());
                all.extend(sized(size.as_ref()));
                all
            }
        };
        Ok(Some(address(page.path, &query)))
    }
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// The poll's path, base included.
    pub(super) path: &'a str,
    /// The poll's own query values, encoded.
    pub(super) query: &'a [(String, String)],
    /// The address of this page.
    pub(super) asked: &'a str,
    /// Its number, from 0.
    pub(super) number: u64,
    /// Records on it.
    pub(super) records: u64,
    /// Records on it and on all before it.
    pub(super) before: u64,
}

/// A path with query values that are encoded already.
pub(super) fn address(path: &str, query: &[(String, String)]) -> String {
    let mut whole = path.to_owned();
    let mut joint = if path.contains('?') { '&' } else { '?' };
    for (name, value) in query {
        whole.push(joint);
        whole.push_str(name);
        whole.push('=');
        whole.push_str(value);
        joint = '&';
    }
    whole
}

fn sized(size: Option<&(String, u64)>) -> Option<(String, String)> {
    size.map(|(query, size)| (query.clone(), size.to_string()))
}

/// A page with fewer records than were asked for is the last; when nobody knows how many those are, an empty one is.
fn is_last(size: Option<&(String, u64)>, records: u64) -> bool {
    records < size.map_or(1, |(_, size)| *size)
}

fn pointer(pages: &mut Section<'_>, default: &str) -> Option<String> {
    let at = pages.text("at").unwrap_or(default).to_owned();
    if !at.is_empty() && Pointer::parse(&at).is_some() {
        return Some(at);
    }
    pages.problem("at", "pointer-malformed", "this is not a JSON pointer", "write for instance /next");
    None
}

fn size(pages: &mut Section<'_>) -> Option<(String, u64)> {
    let has_size = pages.value("size").is_some();
    let query = pages.text("size_query").map(percent_encode);
    if !has_size && query.is_none() {
        return None;
    }
    let size = whole_number(pages, "size", 100, 1..=1_000_000);
    Some((query.unwrap_or_else(|| "limit".to_owned()), size))
}

fn whole_number(
    pages: &mut Section<'_>,
    key: &'static str,
    default: u64,
    bounds: std::ops::RangeInclusive<u64>,
) -> u64 {
    let Some(value) = pages.value(key) else { return default };
    match value.as_u64().filter(|number| bounds.contains(number)) {
        Some(number) => number,
        None => {
            let hint = format!("write a number from {} to {}", bounds.start(), bounds.end());
            pages.problem(key, "setting-range", format!("`{key}` is not such a number"), hint);
            default
        }
    }
}

/// The text or number at a pointer of the answer; absent, null and empty ones end the pages.
fn text_at(reply: &Reply, at: &str) -> Result<Option<String>, Reason> {
    let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
    let value = Value::parse(&reply.body, &limits).map_err(|error| {
        Reason::new(
            "page-malformed",
            format!("the next page cannot be found: {}", Reason::from(error).message),
        )
        .hint("`pages` by next and by cursor look into JSON answers")
    })?;
    let found = value.pointer(at).and_then(|found| found.as_str().or_else(|| found.as_number()));
    Ok(found.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// The target of the first link with the relation `next`.
fn next_link(reply: &Reply) -> Option<&str> {
    reply.all("link").find_map(|field| {
        let mut rest = field;
        loop {
            let start = rest.find('<')?;
            let end = start + rest.get(start..)?.find('>')?;
            let link = rest.get(start + 1..end)?;
            let after = rest.get(end + 1..)?;
            // Parameters end where the next link starts.
            let parameters =
                after.split(", <").next().unwrap_or_default().split(",<").next().unwrap_or_default();
            let is_next = parameters.split(';').any(|parameter| {
                parameter.split_once('=').is_some_and(|(name, value)| {
                    let value = value.trim().trim_end_matches(',').trim_matches('"');
                    name.trim().eq_ignore_ascii_case("rel")
                        && value
                            .split_ascii_whitespace()
                            .any(|relation| relation.eq_ignore_ascii_case("next"))
                })
            });
            if is_next {
                return Some(link);
            }
            rest = after;
        }
    })
}

/// The path and query of a link on this very system. A link that names another host is taken for the same path here when it
/// lies below the base, because systems behind a proxy often call themselves by another name; what it names is never called.
fn resolve(target: &Target, asked: &str, link: &str) -> Result<String, Reason> {
    let elsewhere = |why: &str| {
        Reason::new("page-elsewhere", format!("the next page `{}` {why}", short(link)))
            .hint("only addresses below `base_url` are asked; is it the one the system calls itself by?")
    };
    let link = link.trim();
    let path = if let Some((scheme, rest)) = link.split_once("://") {
        if !matches!(scheme, "http" | "https") {
            return Err(elsewhere("is no address of HTTP"));
        }
        let start = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(start);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let own = host.eq_ignore_ascii_case(&target.authority);
        if !own && !is_below(&path, &target.base_path) {
            return Err(elsewhere("lies on another system"));
        }
        path
    } else if link.starts_with("//") {
        return Err(elsewhere("lies on another system"));
    } else if link.starts_with('/') {
        link.to_owned()
    } else {
        let asked_path = asked.split_once('?').map_or(asked, |(path, _)| path);
        if link.starts_with('?') {
            format!("{asked_path}{link}")
        } else {
            let folder = asked_path.rfind('/').map_or("", |end| &asked_path[..end]);
            format!("{folder}/{link}")
        }
    };
    let path = path.split('#').next().unwrap_or_default().replace(' ', "%20");
    check_target(&path).map_err(|reason| elsewhere(&format!("cannot be asked: {}", reason.message)))?;
    if is_below(&path, &target.base_path) {
        Ok(path)
    } else {
        Err(elsewhere("does not lie below `base_url`"))
    }
}

fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, asked: &str, link: &str) -> Result<String, String> {
        let target = Target::read(base, false).unwrap();
        resolve(&target, asked, link).map_err(|reason| reason.code)
    }

    #[test]
    fn a_link_leads_to_the_same_system_or_nowhere() {
        let base = "https://erp.example:8443/api";
        let ok = |link: &str| resolved(base, "/api/v1/orders?page=1", link).unwrap();
        assert_eq!(ok("https://erp.example:8443/api/v1/orders?page=2"), "/api/v1/orders?page=2");
        assert_eq!(ok("http://internal:50000/api/orders?$skiptoken=5"), "/api/orders?$skiptoken=5");
        assert_eq!(ok("/api/x?y=z#frag"), "/api/x?y=z");
        assert_eq!(ok("?page=2"), "/api/v1/orders?page=2");
        assert_eq!(ok("orders?$skiptoken=a b"), "/api/v1/orders?$skiptoken=a%20b");
        for bad in [
            "https://evil.example/other",
            "//evil.example/api",
            "ftp://erp.example/api",
            "/elsewhere",
            "/apiary",
            "/api/../admin",
            "../../admin",
            "/api/\r\nX: y",
        ] {
            assert_eq!(resolved(base, "/api/v1/orders", bad).unwrap_err(), "page-elsewhere", "{bad}");
        }
        assert_eq!(resolved("http://erp", "/orders", "http://other/orders?p=2").unwrap(), "/orders?p=2");
    }
}
