//! Encryption: only certificates of the named authority and for the named host are taken.

use lineshaft_model::Answer;
use lineshaft_ports::suite::sink as suite;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

#[tokio::test]
async fn a_database_is_known_by_its_certificate() {
    for engine in ENGINES {
        let mut database = Database::start(engine);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        match &mut database {
            Database::Postgres(server) => server.use_certificate(&certificate.pem(), &key.serialize_pem()),
            Database::MariaDb(server) => server.use_certificate(&certificate.pem(), &key.serialize_pem()),
        }
        database.either(
            "CREATE TABLE log (item text, counted text); ALTER TABLE log OWNER TO hub;",
            "CREATE TABLE log (item varchar(80), counted varchar(80));",
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let mut other = CertificateParams::new(Vec::new()).unwrap();
        other.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let other = CertifiedIssuer::self_signed(other, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
        let deliver = async |host: &str, ca: &str| {
            let mut config = database.config();
            config["host"] = json!(host);
            config["encrypt"] = json!(true);
            config["tls"] = json!({ "ca": ca });
            config["operations"] = json!({ "post": { "rows": { "table": "log", "mode": "insert", "columns": ["item", "counted"] } } });
            let with = Password("hub-dummy");
            let sink = parse(&config).build_sink("post", &Surroundings::new(&with, folder.path())).unwrap();
            sink.deliver(&suite::delivery(1)).await
        };
        let answer = deliver("localhost", "ca.pem").await;
        assert!(matches!(answer, Answer::Delivered { .. }), "{engine}: {answer:?}");
        for (host, ca) in [("127.0.0.1", "ca.pem"), ("localhost", "other.pem")] {
            let answer = deliver(host, ca).await;
            assert!(matches!(answer, Answer::Again { .. }), "{engine} {host} {ca}: {answer:?}");
        }
    }
}
