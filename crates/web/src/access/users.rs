//! People of a small site, in a file: passwords hashed with Argon2id (RFC 9106), compared by the hash.

use std::path::Path;
use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use lineshaft_access::{Kind, Principal};
use lineshaft_model::{Millis, Reason};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::stored::Stored;
use super::{Scope, scopes_of};

/// Shorter passwords are refused (NIST SP 800-63B asks for eight at least, and fifteen where nothing else is asked).
const SHORTEST: usize = 12;
/// Longer ones would be work for the hub.
const LONGEST: usize = 256;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// The name to log in with, unique.
    pub name: String,
    /// Argon2id in the form of the PHC string format.
    password: String,
    /// The roles.
    pub roles: Vec<String>,
    /// The one partner the person speaks for; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub partner: String,
    /// The only sites the person works at; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// The only types of objects the person deals with; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// When the person was added.
    pub created: Millis,
    /// When the password was set: sessions from before end.
    pub changed: Millis,
    /// Whether logging in is refused.
    #[serde(default)]
    pub disabled: bool,
}

impl UserRow {
    /// Who it is to the policies. The tenant is that of the hub.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal {
            kind: Kind::User,
            name: self.name.clone(),
            tenant: String::new(),
            roles: self.roles.clone(),
            partner: self.partner.clone(),
            sites: self.sites.clone(),
            types: self.types.clone(),
            system: String::new(),
        }
    }

    /// What the person may use the hub for.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        scopes_of(&self.roles)
    }
}

/// What a new person is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserOptions {
    /// The roles.
    pub roles: Vec<String>,
    /// The one partner the person speaks for; empty for none.
    pub partner: String,
    /// The only sites the person works at; empty for all.
    pub sites: Vec<String>,
    /// The only types of objects the person deals with; empty for all.
    pub types: Vec<String>,
}

/// The file of people. Changes by another process, such as the command line, take effect at the next request.
#[derive(Debug)]
pub struct UserFile(Stored<UserRow>);

impl UserFile {
    /// The people in `users.json` of a data folder, which may not be there yet.
    #[must_use]
    pub fn in_folder(data: &Path) -> Self {
        Self(Stored::at(data.join("users.json"), "users-unreadable"))
    }

    /// The people.
    pub fn list(&self) -> Result<Vec<UserRow>, Reason> {
        self.0.list()
    }

    /// Adds a person. Takes a moment: the password is hashed.
    pub fn add(&self, name: &str, password: &str, options: UserOptions, now: Millis) -> Result<(), Reason> {
        let mut rows = self.list()?;
        if rows.iter().any(|row| row.name == name) {
            return Err(Reason::new("user-exists", format!("there is a user `{name}` already"))
                .hint("`lineshaft user password NAME` sets another password"));
        }
        rows.push(UserRow {
            name: name.to_owned(),
            password: hashed(name, password)?,
            roles: options.roles,
            partner: options.partner,
            sites: options.sites,
            types: options.types,
            created: now,
            changed: now,
            disabled: false,
        });
        self.0.write(&rows)
    }

    /// Sets another password. Says whether there is such a person.
    pub fn set_password(&self, name: &str, password: &str, now: Millis) -> Result<bool, Reason> {
        let password = hashed(name, password)?;
        self.change(name, |row| {
            row.password = password;
            row.changed = now;
        })
    }

    /// Refuses a person the login, and ends their sessions, or allows it again. Says whether there is such a person.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<bool, Reason> {
        self.change(name, |row| row.disabled = disabled)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut UserRow)) -> Result<bool, Reason> {
        let mut rows = self.list()?;
        let Some(row) = rows.iter_mut().find(|row| row.name == name) else { return Ok(false) };
        change(row);
        self.0.write(&rows)?;
        Ok(true)
    }

    /// A person who may log in.
    pub(super) fn find(&self, name: &str) -> Option<UserRow> {
        self.0.look(|rows| rows.iter().find(|row| row.name == name && !row.disabled).cloned())
    }

    /// Whether there is anybody.
    pub(super) fn has_some(&self) -> bool {
        self.0.look(|rows| !rows.is_empty())
    }

    /// The person of a name, when the password is theirs. Blocks for as long whether there is such a person or not.
    pub(super) fn check(&self, name: &str, password: &str) -> Option<UserRow> {
        let row = self.find(name);
        let hash = row.as_ref().map_or(NOBODYS.as_str(), |row| row.password.as_str());
        let right =
            password.len() <= LONGEST && Argon2::default().verify_password(password.as_bytes(), hash).is_ok();
        row.filter(|_| right)
    }
}

/// A hash that no password has, checked when nobody is called so: the answer takes as long.
static NOBODYS: LazyLock<String> = LazyLock::new(|| {
    let mut secret = [0u8; 32];
    rand::rng().fill_bytes(&mut secret);
    hash(&secret).unwrap_or_default()
});

fn hashed(name: &str, password: &str) -> Result<String, Reason> {
    let refused = |message: String| {
        Err(Reason::new("password-weak", message).hint("take four words that do not belong together"))
    };
    if password.chars().count() < SHORTEST {
        return refused(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return refused(format!("a password has at most {LONGEST} bytes"));
    }
    if password.to_lowercase().contains(&name.to_lowercase()) {
        return refused("a password does not contain the name".to_owned());
    }
    hash(password.as_bytes())
}

fn hash(password: &[u8]) -> Result<String, Reason> {
    let mut salt = [0u8; 16];
    rand::rng().fill_bytes(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password, &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| Reason::new("internal-fault", format!("a password cannot be hashed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "correct horse battery";

    fn buyer() -> UserOptions {
        UserOptions { roles: vec!["buyer".to_owned()], ..UserOptions::default() }
    }

    #[test]
    fn a_password_lets_in_until_it_is_another_or_the_user_is_disabled() {
        let folder = tempfile::tempdir().unwrap();
        let file = UserFile::in_folder(folder.path());
        assert!(!file.has_some());
        file.add("anna", GOOD, buyer(), Millis(1)).unwrap();
        assert_eq!(file.add("anna", GOOD, buyer(), Millis(1)).unwrap_err().code, "user-exists");
        assert_eq!(file.check("anna", GOOD).unwrap().principal().roles, ["buyer"]);
        for (name, password) in
            [("anna", "correct horse batterz"), ("anna", ""), ("bert", GOOD), ("ANNA", GOOD)]
        {
            assert!(file.check(name, password).is_none(), "{name} {password}");
        }
        assert!(file.set_password("anna", "another horse entirely", Millis(2)).unwrap());
        assert!(file.check("anna", GOOD).is_none());
        assert!(file.set_disabled("anna", true).unwrap());
        assert!(file.check("anna", "another horse entirely").is_none());
        assert!(!file.set_disabled("bert", true).unwrap());
    }

    #[test]
    fn the_file_has_argon2id_hashes_and_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        UserFile::in_folder(folder.path()).add("anna", GOOD, buyer(), Millis(1)).unwrap();
        let path = folder.path().join("users.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$") && !text.contains(GOOD), "{text}");
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn weak_passwords_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = UserFile::in_folder(folder.path());
        let long = "x".repeat(300);
        for weak in ["", "short", "anna-is-my-name", long.as_str()] {
            assert_eq!(
                file.add("anna", weak, buyer(), Millis(1)).unwrap_err().code,
                "password-weak",
                "{weak}"
            );
        }
    }
}
