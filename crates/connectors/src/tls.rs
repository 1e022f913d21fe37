//! TLS as every door uses it: which authorities a system's certificate may come from, and the hub's own certificate.

pub mod certificate;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use lineshaft_model::Reason;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};

use crate::settings::Section;
use crate::{SecretText, Surroundings};

/// `tls` of a system.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// A PEM file with the only authority whose certificates are taken.
    ca: Option<String>,
    /// The hub's own certificate, for a system that asks for one.
    identity: Option<Identity>,
    at: String,
}

#[derive(Clone, Debug)]
struct Identity {
    certificate: String,
    key: Key,
}

#[derive(Clone, Debug)]
enum Key {
    File(String),
    Secret(SecretText),
}

impl TlsSettings {
    /// Reads `tls`: `ca`, `certificate` and `key`.
    pub fn parse(system: &mut Section<'_>) -> Self {
        let at = system.at("tls");
        let Some(mut tls) = system.section("tls") else { return Self { at, ..Self::default() } };
        let settings = Self::read(&mut tls);
        tls.finish();
        settings
    }

    /// Reads the same keys out of a section that has others besides.
    pub fn read(tls: &mut Section<'_>) -> Self {
        let ca = tls.text("ca").map(str::to_owned);
        let certificate = tls.text("certificate").map(str::to_owned);
        let key = match tls.value("key") {
            Some(value) if value.as_str().is_some_and(SecretText::is_in) => {
                tls.secret_text(value, &tls.at("key")).map(Key::Secret)
            }
            Some(_) => tls.text("key").map(|file| Key::File(file.to_owned())),
            None => None,
        };
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (Some(_), None) => {
                tls.missing(
                    "key",
                    "name the file of the certificate's private key, or a secret that holds it",
                );
                None
            }
            (None, Some(_)) => {
                tls.missing("certificate", "name the file with the hub's certificate for this system");
                None
            }
            (None, None) => None,
        };
        Self { ca, identity, at: tls.here().to_owned() }
    }

    /// The file of the authority, for clients that read it themselves.
    #[must_use]
    pub fn authority_file(&self, folder: &Path) -> Option<PathBuf> {
        self.ca.as_ref().map(|file| folder.join(file))
    }

    /// The hub's certificate and its key in PEM, for clients that read them themselves.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn identity_pem(&self, with: &Surroundings<'_>) -> Result<Option<(Vec<u8>, SecretString)>, Reason> {
        let Some(identity) = &self.identity else { return Ok(None) };
        let read = |file: &str, key: &str| {
            std::fs::read(with.folder.join(file))
                .map_err(|error| self.wrong_identity(key, &format!("`{file}`: {error}")))
        };
        let chain = read(&identity.certificate, "certificate")?;
        let key = match &identity.key {
            Key::File(file) => SecretString::from(
                String::from_utf8(read(file, "key")?)
                    .map_err(|_| self.wrong_identity("key", "there is no private key in PEM"))?,
            ),
            Key::Secret(text) => text.resolve(with.secrets)?,
        };
        Ok(Some((chain, key)))
    }

    /// The same settings with the machine's own authorities.
    #[must_use]
    pub fn with_machine_authorities(&self) -> Self {
        Self { ca: None, ..self.clone() }
    }

    /// The same settings with another authority.
    #[must_use]
    pub fn with_authority(&self, ca: &str, at: &str) -> Self {
        Self { ca: Some(ca.to_owned()), at: at.to_owned(), ..self.clone() }
    }

    /// TLS 1.2 and 1.3 with the provider named outright, so that a second provider in the process changes nothing. With `ca`
    /// only that authority is trusted; without it the machine's own, or Mozilla's when the machine has none.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn client(&self, alpn: &[&[u8]], with: &Surroundings<'_>) -> Result<Arc<ClientConfig>, Reason> {
        let roots = match &self.ca {
            Some(file) => Arc::new(self.read_authorities(&with.folder.join(file), file)?),
            None => machine_authorities(),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let unusable = |why: rustls::Error| {
            Reason::new("tls-unusable", format!("TLS cannot be set up: {why}")).at(self.at.clone())
        };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(unusable)?.with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = self.read_identity(identity, with)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    self.wrong_identity("key", &format!("the key does not fit the certificate: {error}"))
                })?
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn read_authorities(&self, path: &Path, shown: &str) -> Result<RootCertStore, Reason> {
        let wrong = |why: String| {
            Reason::new("tls-ca-unreadable", format!("the authority's file `{shown}` cannot be used: {why}"))
                .at(format!("{}/ca", self.at))
                .hint("give a PEM file with the certificate of the authority, relative to the workspace")
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if roots.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(roots) }
    }

    /// The chain of the hub's own certificate, its own first; empty when the system needs none.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn own_chain(&self, folder: &Path) -> Result<Vec<CertificateDer<'static>>, Reason> {
        let Some(identity) = &self.identity else { return Ok(Vec::new()) };
        let shown = &identity.certificate;
        let wrong = |why: String| self.wrong_identity("certificate", &format!("`{shown}`: {why}"));
        let chain = CertificateDer::pem_file_iter(folder.join(shown))
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(error.to_string()))?;
        if chain.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(chain) }
    }

    fn read_identity(
        &self,
        identity: &Identity,
        with: &Surroundings<'_>,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Reason> {
        let chain = self.own_chain(with.folder)?;
        let key = match &identity.key {
            Key::File(file) => PrivateKeyDer::from_pem_file(with.folder.join(file)),
            Key::Secret(text) => {
                PrivateKeyDer::from_pem_slice(text.resolve(with.secrets)?.expose_secret().as_bytes())
            }
        };
        // What the reader says of a malformed key may repeat a piece of it.
        let key = key.map_err(|error| match error {
            rustls_pki_types::pem::Error::Io(error) => {
                self.wrong_identity("key", &format!("the key cannot be read: {error}"))
            }
            _ => self.wrong_identity("key", "there is no private key in PEM"),
        })?;
        Ok((chain, key))
    }

    fn wrong_identity(&self, key: &str, why: &str) -> Reason {
        Reason::new("tls-identity-unusable", format!("the hub's certificate for this system cannot be used: {why}"))
            .at(format!("{}/{key}", self.at))
            .hint("give a PEM file with the certificate and its chain, and one with its private key, relative to the workspace")
    }
}

/// Read once, because that takes milliseconds.
fn machine_authorities() -> Arc<RootCertStore> {
    static SHARED: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(roots)
    };
    Arc::clone(SHARED.get_or_init(read))
}
