//! A MariaDB server of a test's own.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Account, Program, find, free_port, run};

/// A server with an empty database `plant`; user `hub`, password `hub-dummy`.
#[derive(Debug)]
pub struct MariaDb {
    folder: TempDir,
    account: Option<Account>,
    program: Option<Program>,
    extra: Vec<String>,
    /// Its port on the loopback.
    pub port: u16,
}

impl MariaDb {
    /// Makes a data folder and starts the server on it.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a folder");
        let account = Account::unless_root("mysql");
        if let Some(account) = account {
            account.own(folder.path());
        }
        let data = folder.path().join("data");
        let mut install = Command::new(find("mariadb-install-db", &["/usr/bin", "/usr/local/bin"]));
        install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        install.arg(format!("--datadir={}", data.display()));
        install.arg(format!("--tmpdir={}", folder.path().display()));
        if let Some(account) = account {
            account.run(&mut install);
        }
        run(install, "");
        let mut server = Self { folder, account, program: None, extra: Vec::new(), port: free_port() };
        server.start_again();
        server.sql_in(
            "mysql",
            "CREATE DATABASE plant CHARACTER SET utf8mb4; CREATE USER hub@'%' IDENTIFIED BY 'hub-dummy'; \
             GRANT ALL ON plant.* TO hub@'%'; GRANT PROCESS ON *.* TO hub@'%';",
        );
        server
    }

    /// Lets it encrypt with a certificate and its key in PEM.
    pub fn use_certificate(&mut self, certificate: &str, key: &str) {
        self.stop();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            if let Some(account) = self.account {
                account.own(&path);
            }
            let option = if name == "server.crt" { "cert" } else { "key" };
            self.extra.push(format!("--ssl-{option}={}", path.display()));
        }
        self.start_again();
    }

    /// Starts it after [`MariaDb::stop`].
    pub fn start_again(&mut self) {
        let mut command = Command::new(find("mariadbd", &["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"]));
        // Two hours east of UTC, as a plant's server may be.
        command.env("TZ", "PLANT-2");
        let folder = self.folder.path().display();
        command.args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2",
        ]);
        command.arg(format!("--datadir={folder}/data")).arg(format!("--socket={folder}/socket"));
        command
            .arg(format!("--pid-file={folder}/pid"))
            .arg(format!("--port={}", self.port))
            .args(&self.extra);
        command.arg(format!("--tmpdir={folder}"));
        if let Some(account) = self.account {
            account.run(&mut command);
        }
        let mut program = Program::start(command, &self.folder.path().join("log"), "-KILL");
        program.wait_for_port(self.port);
        self.program = Some(program);
    }

    /// Ends it outright; what was committed stays.
    pub fn stop(&mut self) {
        self.program = None;
    }

    /// Runs SQL in the database `plant` as an administrator; the rows as tab-separated text.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("plant", sql)
    }

    fn sql_in(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new(find("mariadb", &["/usr/bin", "/usr/local/bin"]));
        command.args(["--no-defaults", "-N", "-B", "-u", "root", database]);
        command.arg(format!("--socket={}/socket", self.folder.path().display()));
        run(command, sql)
    }
}
