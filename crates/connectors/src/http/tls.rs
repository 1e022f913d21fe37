//! Which authorities a system's certificate may come from.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use lineshaft_model::Reason;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// TLS 1.2 and 1.3 with the provider named outright, so that a second provider in the process changes nothing. With `ca`
/// only that authority is trusted; without it the machine's own, or Mozilla's when the machine has none.
pub(super) fn client(ca: Option<&str>, folder: &Path) -> Result<Arc<ClientConfig>, Reason> {
    match ca {
        Some(file) => configured(read_authorities(&folder.join(file), file)?),
        None => {
            // Every operation without a `ca` shares one, because reading the machine's authorities takes milliseconds.
            static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
            if let Some(shared) = SHARED.get() {
                return Ok(Arc::clone(shared));
            }
            let made = configured(machine_authorities())?;
            Ok(Arc::clone(SHARED.get_or_init(|| made)))
        }
    }
}

fn configured(roots: RootCertStore) -> Result<Arc<ClientConfig>, Reason> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder =
        builder.map_err(|error| Reason::new("tls-unusable", format!("TLS cannot be set up: {error}")))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_authorities(path: &Path, shown: &str) -> Result<RootCertStore, Reason> {
    let wrong = |why: String| {
        Reason::new("tls-ca-unreadable", format!("the authority's file `{shown}` cannot be used: {why}"))
            .at("/tls/ca")
            .hint("give a PEM file with the certificate of the authority, relative to the workspace")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(roots) }
}

fn machine_authorities() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
