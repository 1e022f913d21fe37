//! Taking a request apart: axum's extractors, with what does not fit answered as a problem.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use lineshaft_model::Reason;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The parameters of a path.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What is no text at all is the name of nothing.
        let named = RawPathParams::from_request_parts(parts, state).await;
        if named.is_err() {
            return Err(Problem::not_found("the address is not UTF-8"));
        }
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(malformed(rejection.body_text())),
        }
    }
}

/// The address that the request came from; behind a proxy, that of the proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) Option<std::net::IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<std::net::SocketAddr>().map(|peer| peer.ip().to_canonical())))
    }
}

/// The fields of a query. A type that denies unknown fields refuses a misspelt filter instead of filtering nothing.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(query).map(Self).map_err(|error| malformed(error.to_string()))
    }
}

/// Filters of a listing and which page of it: `?state=dead&cursor=...&limit=50`.
#[derive(Debug)]
pub(crate) struct Listing<F> {
    /// What rows are wanted.
    pub(crate) filter: F,
    /// How many of them, from where.
    pub(crate) page: PageQuery,
}

/// `?cursor=&limit=` of every listing.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageQuery {
    /// Where the last page ended.
    pub(crate) cursor: Option<String>,
    /// Rows wanted, 1 to 500.
    limit: Option<usize>,
}

/// The most rows of one page.
const MOST_ROWS: usize = 500;

impl PageQuery {
    /// Rows wanted, 50 when nobody said.
    pub(crate) fn limit(&self) -> usize {
        self.limit_or(50)
    }

    /// Rows wanted, or so many.
    pub(crate) fn limit_or(&self, usual: usize) -> usize {
        self.limit.unwrap_or(usual)
    }

    fn set_limit(&mut self, text: &str) -> Result<(), Problem> {
        let limit = text.parse().ok().filter(|limit| (1..=MOST_ROWS).contains(limit));
        let out = || {
            let message = format!("`limit` is a whole number from 1 to {MOST_ROWS}");
            Problem::of(Reason::new("parameter-malformed", message).at("?limit"))
        };
        self.limit = Some(limit.ok_or_else(out)?);
        Ok(())
    }
}

impl<F: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Listing<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let fields: Vec<(String, String)> =
            serde_urlencoded::from_str(query).map_err(|error| malformed(error.to_string()))?;
        let (mut page, mut rest) = (PageQuery::default(), Vec::new());
        for (name, value) in fields {
            match name.as_str() {
                "cursor" => page.cursor = Some(value),
                "limit" => page.set_limit(&value)?,
                _ => rest.push((name, value)),
            }
        }
        let rest = serde_urlencoded::to_string(rest).unwrap_or_default();
        let filter = serde_urlencoded::from_str(&rest).map_err(|error| malformed(error.to_string()))?;
        Ok(Self { filter, page })
    }
}

fn malformed(message: String) -> Problem {
    Problem::of(
        Reason::new("parameter-malformed", message).hint("`/openapi.json` lists what this address takes"),
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        state: Option<String>,
        all: Option<bool>,
    }

    async fn listing(query: &str) -> Result<Listing<Filter>, String> {
        let request = http::Request::get(format!("/x?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        Listing::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.detail().to_owned())
    }

    #[tokio::test]
    async fn filters_and_the_page_are_told_apart() {
        let Listing { filter, page } = listing("state=a%26b&limit=500&cursor=1~2&all=true").await.unwrap();
        assert_eq!((filter.state.as_deref(), filter.all), (Some("a&b"), Some(true)));
        assert_eq!((page.limit(), page.cursor.as_deref()), (500, Some("1~2")));
        assert_eq!(listing("").await.unwrap().page.limit(), 50);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_and_not_passed_over() {
        for (query, told) in [
            ("limit=0", "from 1 to 500"),
            ("limit=501", "from 1 to 500"),
            ("limit=-1", "from 1 to 500"),
            ("limit=", "from 1 to 500"),
            ("staet=dead", "unknown field `staet`"),
            ("all=maybe", "provided string was not `true` or `false`"),
            ("state=a&state=b", "duplicate field `state`"),
        ] {
            let refused = listing(query).await.unwrap_err();
            assert!(refused.contains(told), "{query}: {refused}");
        }
    }
}
