//! TLS as the door sees it: which certificates are taken, and that a failed handshake is no effect.

use std::sync::Arc;

use lineshaft_model::Answer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
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
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Server::start_with(Some(TlsAcceptor::from(Arc::new(config)))).await
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
