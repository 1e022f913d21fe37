//! A PostgreSQL server of a test's own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Account, Program, free_port, run};

/// A server with an empty database `plant`; user `hub`, password `hub-dummy`.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    account: Option<Account>,
    program: Option<Program>,
    /// Its port on the loopback.
    pub port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a folder");
        let account = Account::unless_root("postgres");
        let cluster = folder.path().join("cluster");
        std::fs::create_dir(&cluster).expect("a folder");
        if let Some(account) = account {
            account.own(&cluster);
            account.own(folder.path());
        }
        let mut server = Self { bin: bin(), folder, account, program: None, port: free_port() };
        let mut initdb = server.command("initdb");
        initdb.args([
            "--auth-host=scram-sha-256",
            "--auth-local=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "-U",
            "admin",
            "-D",
        ]);
        run(
            {
                initdb.arg(&cluster);
                initdb
            },
            "",
        );
        server.start_again();
        server.sql_in(
            "postgres",
            "CREATE ROLE hub LOGIN PASSWORD 'hub-dummy'; CREATE DATABASE plant OWNER hub;",
        );
        server
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.folder.path());
        if let Some(account) = self.account {
            account.run(&mut command);
        }
        command
    }

    /// Lets it encrypt with a certificate and its key in PEM.
    pub fn use_certificate(&mut self, certificate: &str, key: &str) {
        self.stop();
        let cluster = self.folder.path().join("cluster");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = cluster.join(name);
            std::fs::write(&path, text).expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a file");
            if let Some(account) = self.account {
                account.own(&path);
            }
        }
        let auto = cluster.join("postgresql.auto.conf");
        std::fs::write(auto, "ssl = on\n").expect("a file");
        self.start_again();
    }

    /// Starts it after [`Postgres::stop`].
    pub fn start_again(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.path().join("cluster"));
        let port = self.port.to_string();
        let socket = self.folder.path().to_string_lossy().into_owned();
        command.args(["-p", &port, "-k", &socket, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        let log = self.folder.path().join("log");
        let mut program = Program::start(command, &log, "-QUIT");
        let (bin, socket) = (self.bin.clone(), self.folder.path().to_owned());
        program.wait_until("it takes connections", || {
            let ready = Command::new(bin.join("pg_isready"))
                .arg("-q")
                .arg("-h")
                .arg(&socket)
                .args(["-p", &port])
                .status();
            ready.is_ok_and(|status| status.success())
        });
        self.program = Some(program);
    }

    /// Ends it and everybody's connections at once.
    pub fn stop(&mut self) {
        self.program = None;
    }

    /// Runs SQL in the database `plant` as an administrator; the rows as unaligned text.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("plant", sql)
    }

    fn sql_in(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new(self.bin.join("psql"));
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "admin",
            "-d",
            database,
            "-f",
            "-",
        ]);
        command.arg("-h").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        run(command, sql)
    }
}

/// Where Debian puts the server's programs, the newest first.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).find(|folder| Path::new(folder).join("initdb").is_file());
        on_path.expect("PostgreSQL's server is not installed; `cargo xtask test --only servers` installs it")
    })
}
