//! A NATS server of a test's own, with JetStream.

use std::process::Command;

use tempfile::TempDir;

use crate::program::{Program, find, free_port};

/// A server that knows the user `hub` with the password `hub-dummy`, and takes messages of eight megabytes.
#[derive(Debug)]
pub struct Nats {
    folder: TempDir,
    program: Option<Program>,
    tls: String,
    /// Its port on the loopback.
    pub port: u16,
}

impl Nats {
    /// Starts it on a folder of its own.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self { folder, program: None, tls: String::new(), port: free_port() };
        server.start_again();
        server
    }

    /// Lets it encrypt with a certificate and its key in PEM.
    pub fn use_certificate(&mut self, certificate: &str, key: &str) {
        self.stop();
        let folder = self.folder.path();
        std::fs::write(folder.join("server.crt"), certificate).expect("a file");
        std::fs::write(folder.join("server.key"), key).expect("a file");
        let shown = folder.display();
        self.tls = format!("tls {{ cert_file: \"{shown}/server.crt\", key_file: \"{shown}/server.key\" }}\n");
        self.start_again();
    }

    /// Starts it after [`Nats::stop`].
    pub fn start_again(&mut self) {
        let folder = self.folder.path();
        let config = format!(
            "listen: 127.0.0.1:{}\nmax_payload: 8MB\nmax_pending: 16MB\njetstream {{ store_dir: \"{}\" }}\n\
             authorization {{ user: hub, password: \"hub-dummy\" }}\n{}",
            self.port,
            folder.join("store").display(),
            self.tls
        );
        std::fs::write(folder.join("nats.conf"), config).expect("a file");
        let mut command = Command::new(find("nats-server", &["/usr/sbin", "/usr/local/bin"]));
        command.arg("-c").arg(folder.join("nats.conf"));
        let mut program = Program::start(command, &folder.join("log"), "-KILL");
        program.wait_for_port(self.port);
        self.program = Some(program);
    }

    /// Ends it outright.
    pub fn stop(&mut self) {
        self.program = None;
    }
}
