//! Style, script and icon: part of the binary, under names that hold a hash of their content, so that a browser may keep
//! them for ever and never shows an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

/// One file and the name it is served under.
#[derive(Debug)]
pub(super) struct Asset {
    name: String,
    media: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media: &'static str, text: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(text)[..6]);
        Self { name: format!("{stem}-{hash}.{extension}"), media, text }
    }

    /// Where it is.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "css", "text/css; charset=utf-8", include_str!("../../assets/console.css"))
});
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("../../assets/console.js"))
});
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));

/// Serves one.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let all: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    match all.into_iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.media),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_the_content() {
        let (one, other) = (Asset::new("a", "css", "", "x"), Asset::new("a", "css", "", "y"));
        assert_ne!(one.name, other.name);
        assert!(one.name.starts_with("a-") && one.name.ends_with(".css"), "{}", one.name);
    }

    #[tokio::test]
    async fn a_file_may_be_kept_and_an_old_name_is_gone() {
        let kept = file(Path(STYLE.name.clone())).await;
        assert_eq!(kept.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(
            file(Path(String::from("console-000000000000.css"))).await.status(),
            StatusCode::NOT_FOUND
        );
    }
}
