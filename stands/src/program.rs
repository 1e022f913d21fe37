//! A program of the machine, run in the background until it is dropped.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A running program and its way to end.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
    log: PathBuf,
    /// The signal that ends it with everything it started.
    signal: &'static str,
}

/// Whom a program runs as.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    uid: u32,
    gid: u32,
}

/// How long a server may take to answer for the first time, in tenths of a second.
const MOST_TENTHS: u32 = 600;

impl Account {
    /// The account of this name when the tests run as root, whom some servers refuse; nothing otherwise.
    #[must_use]
    pub fn unless_root(name: &str) -> Option<Self> {
        let number = |flag: &str, of: &[&str]| -> Option<u32> {
            let output = Command::new("id").arg(flag).args(of).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        if number("-u", &[]) != Some(0) {
            return None;
        }
        Some(Self { uid: number("-u", &[name])?, gid: number("-g", &[name])? })
    }

    /// Gives a folder to the account.
    pub fn own(self, folder: &Path) {
        chown(folder, Some(self.uid), Some(self.gid)).expect("a folder can be given away");
    }

    /// Lets a command run as the account.
    pub fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

impl Program {
    /// Starts a program; what it says goes into `log`.
    pub fn start(mut command: Command, log: &Path, signal: &'static str) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let file =
            std::fs::File::options().append(true).create(true).open(log).expect("a log can be written");
        let copy = file.try_clone().expect("a log can be written");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("{name} cannot be started: {error}; `cargo xtask test` installs it")
        });
        Self { child, name, log: log.to_owned(), signal }
    }

    /// Waits until something holds; ends the test with the program's last words when it never does.
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        for _ in 0..MOST_TENTHS {
            if holds() {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended with {status} before {what}:\n{}", self.name, self.last_words());
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{}: {what} never came:\n{}", self.name, self.last_words());
    }

    /// Waits until somebody listens at a port.
    pub fn wait_for_port(&mut self, port: u16) {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.wait_until("it listens", || {
            TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
        });
    }

    /// Kills it outright, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = self.child.id().to_string();
            let told = Command::new("kill").args([self.signal, &pid]).status();
            if !told.is_ok_and(|status| status.success()) {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
        }
    }
}

/// A port that nobody listens at.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Runs a program to its end with a text as its input; its output.
pub fn run(mut command: Command, input: &str) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    let mut stdin = child.stdin.take().expect("its input is ours");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program on the path or in one of some folders.
#[must_use]
pub fn find(program: &str, folders: &[&str]) -> PathBuf {
    folders
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(program))
}
