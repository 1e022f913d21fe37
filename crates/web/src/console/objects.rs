//! Objects of a type, by key.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_model::shown::{ObjectRow, Page as Rows};
use lineshaft_model::sight::Act;
use lineshaft_store::views::ObjectFilter;
use serde::Deserialize;

use super::query::{ROWS, filled, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::{Answer, show};
use crate::api::read;
use crate::state::State;

#[derive(Template)]
#[template(path = "objects.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    /// The types that are held.
    pub(super) types: Vec<String>,
    pub(super) rows: Rows<ObjectRow>,
    pub(super) object_type: String,
    pub(super) key: String,
    pub(super) status: String,
    pub(super) next: Option<String>,
}

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "type")]
    object_type: Option<String>,
    key: Option<String>,
    status: Option<String>,
    cursor: Option<String>,
}

/// Objects of a type; none until one is chosen.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::See)?;
    let (object_type, key, status) = (filled(asked.object_type), filled(asked.key), filled(asked.status));
    let tenant = state.hub.tenant();
    let types = read(&state, &viewer.caller, move |reading| Ok(reading.object_types(&tenant))).await?;
    let mut rows = Rows::default();
    if let Some(object_type) = object_type.clone() {
        let filter = ObjectFilter {
            tenant: state.hub.tenant(),
            object_type,
            key_prefix: key.clone(),
            status: status.clone(),
            system: None,
            changed_since: None,
        };
        rows = read(&state, &viewer.caller, move |reading| {
            reading.objects(&filter, asked.cursor.as_deref(), ROWS)
        })
        .await?;
    }
    let next = rows.next.as_deref().map(|next| {
        let fields = [
            ("type", object_type.as_deref()),
            ("key", key.as_deref()),
            ("status", status.as_deref()),
            ("cursor", Some(next)),
        ];
        link("/objects", &fields)
    });
    let shell = Shell::new(&state, viewer, Section::Objects, "Objects");
    let [object_type, key, status] = [object_type, key, status].map(Option::unwrap_or_default);
    show(&Page { shell, types, rows, object_type, key, status, next })
}
