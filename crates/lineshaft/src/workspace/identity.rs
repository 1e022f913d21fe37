//! What is wrong with `access.identity` of `lineshaft.yaml`.

use lineshaft_model::event_type::is_word;
use lineshaft_web::access::identity::Algorithm;

use super::files::MAIN;
use super::marked::Node;
use super::problem::{Problem, Problems};
use super::settings::{IdentitySettings, Settings};
use super::spelling::clip;

/// Checks every provider.
pub(super) fn check(settings: &Settings, tree: &Node, problems: &mut Problems) {
    let providers = &settings.access.identity;
    for (n, provider) in providers.iter().enumerate() {
        let mut error = |below: &str, message: String, hint: &str| {
            let mark = tree.place(&format!("/access/identity/{n}{below}"));
            problems.push(Problem::error(MAIN, mark, "identity-setting", message).hint(hint));
        };
        for (below, message, hint) in faults(provider) {
            error(below, message, hint);
        }
        if providers
            .iter()
            .take(n)
            .any(|other| other.name == provider.name || other.issuer == provider.issuer)
        {
            error(
                "/name",
                format!("there are two providers `{}`", clip(&provider.name)),
                "name and issuer of each are its own",
            );
        }
    }
}

fn faults(provider: &IdentitySettings) -> Vec<(&'static str, String, &'static str)> {
    let mut faults = Vec::new();
    if !is_word(&provider.name) {
        let hint = "use a lower-case word: letters, digits and single hyphens, starting with a letter";
        faults.push(("/name", format!("`{}` is no name", clip(&provider.name)), hint));
    }
    let addresses = [("/issuer", Some(&provider.issuer)), ("/jwks", provider.jwks.as_ref())];
    for (below, address) in addresses.into_iter().filter_map(|(below, address)| Some((below, address?))) {
        if !is_safe(address) {
            let hint = "write an address that begins with https://; http:// is for this machine only";
            faults.push((below, format!("`{}` is no safe address", clip(address)), hint));
        }
    }
    let pinned = |name: &String| name.parse::<Algorithm>().is_ok() && !name.starts_with("HS");
    if let Some(wrong) = provider.algorithms.iter().find(|name| !pinned(name)) {
        let hint = "use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA";
        faults.push(("/algorithms", format!("`{}` is no algorithm with a public key", clip(wrong)), hint));
    }
    if provider.algorithms.is_empty() {
        faults.push((
            "/algorithms",
            "no algorithm is allowed".to_owned(),
            "leave it out for RS256 and ES256",
        ));
    }
    if let Some((_, wrong)) = provider.roles.iter().find(|(_, role)| lineshaft_access::role(role).is_err()) {
        faults.push((
            "/roles",
            format!("`{}` is no name of a role", clip(wrong)),
            "`lineshaft access roles` lists them",
        ));
    }
    if provider.audience.is_none() && provider.login.is_none() {
        faults.push((
            "",
            "nobody can come by this provider".to_owned(),
            "add `audience` for machines or `login` for people",
        ));
    }
    if let Some(login) = &provider.login {
        if provider.audience.as_ref() == Some(&login.client_id) {
            let hint = "give machines' tokens an audience of their own, or a token that tells who logged in would pass for one";
            faults.push(("/audience", "the audience is the client's id".to_owned(), hint));
        }
        if !is_safe(&login.redirect) || !login.redirect.ends_with("/login/return") {
            let hint = "write the hub's own address and /login/return";
            faults.push(("/login/redirect", format!("`{}` does not lead back", clip(&login.redirect)), hint));
        }
        if !login.scopes.iter().any(|scope| scope == "openid") {
            faults.push((
                "/login/scopes",
                "without `openid` nobody is told who logged in".to_owned(),
                "add openid",
            ));
        }
    }
    faults
}

/// Over TLS, or to this machine.
fn is_safe(address: &str) -> bool {
    let Ok(uri) = address.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let local = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    plain
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => local,
            _ => false,
        }
}
