//! TLS as the door sees it: which certificates are taken, and that a failed handshake is no effect.

use std::sync::Arc;

use lineshaft_model::Answer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use super::*;

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// An authority of its own, its certificate in the workspace's `ca.pem`.
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A server whose certificate is for `name` and good until the year `until`.
    async fn server(&self, name: &str, until: i32) -> Server {
        self.serve(name, until, false).await
    }

    /// The same; with `asks` it takes only clients that show a certificate of this authority.
    async fn serve(&self, name: &str, until: i32, asks: bool) -> Server {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if asks {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap();
            config.with_client_cert_verifier(verifier)
        } else {
            config.with_no_client_auth()
        };
        let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        Server::start_with(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    /// Gives the hub a certificate of this authority, in the workspace's `hub.pem` and `hub.key`.
    fn give_certificate(&self) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["hub.example".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.folder.path().join("hub.pem"), certificate.pem()).unwrap();
        std::fs::write(self.folder.path().join("hub.key"), key.serialize_pem()).unwrap();
        key.serialize_pem()
    }

    fn try_sink(
        &self,
        server: &Server,
        tls: Value,
        key: &'static str,
    ) -> Result<Arc<dyn Sink>, lineshaft_model::Reason> {
        let mut config = config(&format!("https://localhost:{}", server.address.port()), plain());
        config["tls"] = tls;
        let secrets = Listed(vec![("token", CANARY), ("key", key)]);
        crate::parse(&config, "erp")
            .unwrap()
            .build_sink("post", &Surroundings::new(&secrets, self.folder.path()))
    }

    fn sink(&self, server: &Server, own_authority: bool) -> Arc<dyn Sink> {
        let mut config = config(&format!("https://localhost:{}", server.address.port()), plain());
        if own_authority {
            config["tls"] = json!({ "ca": "ca.pem" });
        }
        let connector = crate::parse(&config, "erp").unwrap();
        let secrets = Listed(vec![("token", CANARY)]);
        connector.build_sink("post", &Surroundings::new(&secrets, self.folder.path())).unwrap()
    }
}

#[tokio::test]
async fn a_certificate_of_the_named_authority_is_taken_and_the_connection_kept() {
    let authority = Authority::new();
    let server = authority.server("localhost", 2100).await;
    let sink = authority.sink(&server, true);
    for n in 1..=5 {
        let answer = sink.deliver(&suite::delivery(n)).await;
        assert!(matches!(answer, Answer::Delivered { .. }), "{n}: {answer:?}");
    }
    let large = Delivery { body: Bytes::from(vec![b'1'; 4 << 20]), ..suite::delivery(6) };
    assert!(matches!(sink.deliver(&large).await, Answer::Delivered { .. }));
    let received = server.received();
    assert!(received.iter().all(|one| one.connection == 0), "one connection for all");
    assert_eq!(received[5].body, large.body);
    server.then(Step::AnswerAndClose(String::new()));
    server.then(Step::AnswerAndClose(String::new()));
    let answer = sink.deliver(&suite::delivery(7)).await;
    assert!(matches!(answer, Answer::Unknown { .. }), "a lost answer: {answer:?}");
}

#[tokio::test]
async fn any_other_certificate_is_no_effect() {
    let authority = Authority::new();
    for (name, until, own, what) in [
        ("localhost", 2100, false, "an authority nobody knows"),
        ("elsewhere.example", 2100, true, "another name"),
        ("localhost", 2001, true, "expired"),
    ] {
        let server = authority.server(name, until).await;
        let answer = authority.sink(&server, own).deliver(&suite::delivery(1)).await;
        assert!(
            matches!(&answer, Answer::Again { reason, .. } if reason.code == "tls-failed"),
            "{what}: {answer:?}"
        );
        assert!(server.received().is_empty(), "{what}");
    }
    let plain = Server::start().await;
    plain.then(Step::Answer("this is not TLS".to_owned()));
    plain.stop().await;
    let answer = authority.sink(&plain, true).deliver(&suite::delivery(1)).await;
    assert!(matches!(answer, Answer::Again { .. }), "nothing listens: {answer:?}");
}

#[tokio::test]
async fn a_system_that_asks_for_a_certificate_gets_the_hubs() {
    let authority = Authority::new();
    let server = authority.serve("localhost", 2100, true).await;
    let without = authority.sink(&server, true).deliver(&suite::delivery(1)).await;
    // In TLS 1.3 the refusal of a missing certificate arrives after the client believes to be through.
    assert!(matches!(without, Answer::Again { .. } | Answer::Unknown { .. }), "{without:?}");
    assert!(server.received().is_empty());
    let key: &'static str = authority.give_certificate().leak();
    for key_setting in ["hub.key", "${secret:key}"] {
        let tls = json!({ "ca": "ca.pem", "certificate": "hub.pem", "key": key_setting });
        let sink = authority.try_sink(&server, tls, key).unwrap();
        let answer = sink.deliver(&suite::delivery(1)).await;
        assert!(matches!(answer, Answer::Delivered { .. }), "{key_setting}: {answer:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_said_when_building_and_its_key_never() {
    let authority = Authority::new();
    let server = Server::start().await;
    authority.give_certificate();
    let other: &'static str = KeyPair::generate().unwrap().serialize_pem().leak();
    for (certificate, key, secret, at) in [
        ("gone.pem", "hub.key", "", "/tls/certificate"),
        ("hub.key", "hub.key", "", "/tls/certificate"),
        ("hub.pem", "gone.key", "", "/tls/key"),
        ("hub.pem", "ca.pem", "", "/tls/key"),
        ("hub.pem", "${secret:key}", "canary, no PEM", "/tls/key"),
        ("hub.pem", "${secret:key}", other, "/tls/key"),
    ] {
        let tls = json!({ "certificate": certificate, "key": key });
        let reason = authority.try_sink(&server, tls, secret).unwrap_err();
        assert_eq!(
            (reason.code.as_str(), reason.at.as_str()),
            ("tls-identity-unusable", at),
            "{certificate} {key}"
        );
        assert!(!format!("{reason:?}").contains("canary"));
    }
    let mut config = config("https://localhost", plain());
    for (tls, at) in [
        (json!({ "key": "k" }), "/tls"),
        (json!({ "certificate": "c" }), "/tls"),
        (json!({ "cert": "c" }), "/tls/cert"),
    ] {
        config["tls"] = tls;
        assert_eq!(crate::parse(&config, "erp").unwrap_err()[0].at, at);
    }
}

#[test]
fn an_authority_that_cannot_be_read_is_said_when_building() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "nothing").unwrap();
    for file in ["gone.pem", "empty.pem"] {
        let mut config = config("https://localhost", plain());
        config["tls"] = json!({ "ca": file });
        let connector = crate::parse(&config, "erp").unwrap();
        let secrets = Listed(vec![("token", CANARY)]);
        let with = Surroundings::new(&secrets, folder.path());
        let reason = connector.build_sink("post", &with).unwrap_err();
        assert_eq!((reason.code.as_str(), reason.at.as_str()), ("tls-ca-unreadable", "/tls/ca"), "{file}");
    }
}

#[tokio::test]
async fn a_trial_tells_until_when_certificates_are_good() {
    let authority = Authority::new();
    let server = authority.serve("localhost", 2031, false).await;
    authority.give_certificate();
    let mut config = config(&format!("https://localhost:{}", server.address.port()), plain());
    config["tls"] = json!({ "ca": "ca.pem", "certificate": "hub.pem", "key": "hub.key" });
    let secrets = Listed(vec![("token", CANARY)]);
    let connector = crate::parse(&config, "erp").unwrap();
    let findings = connector.probe(Surroundings::new(&secrets, authority.folder.path())).await;
    let ends = |n: usize| findings[n].good_until.unwrap().to_string();
    assert_eq!((findings[0].part.as_str(), ends(0).as_str()), ("connection", "2031-01-01T00:00:00.000Z"));
    assert_eq!(
        (findings[1].part.as_str(), ends(1).as_str()),
        ("own certificate", "4096-01-01T00:00:00.000Z")
    );
}
