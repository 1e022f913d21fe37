//! Tokens in a file: 256 bits, shown once, stored as a hash, compared in constant time.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lineshaft_model::{Millis, Reason};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use lineshaft_access::{Kind, Principal};

use super::stored::Stored;
use super::{Scope, roles_of};

/// Every token starts with this, so that leak scanners find it.
const PREFIX: &str = "lsh_";

/// One token as it is stored and listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Its name, unique.
    pub name: String,
    /// SHA-256 of the token, hexadecimal.
    hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The system it speaks for; empty for any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The roles of who holds it; by its scopes when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The one partner it speaks for; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub partner: String,
    /// The only sites it is good for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// The only types of objects it is good for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// When it was made.
    pub created: Millis,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
}

impl TokenRow {
    /// Who holds it, to the policies. Its tenant is that of the hub.
    #[must_use]
    pub fn principal(&self) -> Principal {
        let roles = if self.roles.is_empty() { roles_of(&self.scopes) } else { self.roles.clone() };
        Principal {
            kind: Kind::Token,
            name: self.name.clone(),
            tenant: String::new(),
            roles,
            partner: self.partner.clone(),
            sites: self.sites.clone(),
            types: self.types.clone(),
            system: self.system.clone(),
        }
    }
}

/// What a token is to be good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenOptions {
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The system it speaks for; empty for any.
    pub system: String,
    /// The roles of who holds it; by its scopes when there are none.
    pub roles: Vec<String>,
    /// The one partner it speaks for; empty for none.
    pub partner: String,
    /// The only sites it is good for; empty for all.
    pub sites: Vec<String>,
    /// The only types of objects it is good for; empty for all.
    pub types: Vec<String>,
    /// When it ends.
    pub expires: Option<Millis>,
}

impl TokenOptions {
    /// Good for these scopes and bound to nothing.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self { scopes: scopes.to_vec(), ..Self::default() }
    }
}

/// A token just made. The text is shown once and kept nowhere.
pub struct NewToken {
    /// The token.
    pub token: String,
    /// As listed.
    pub row: TokenRow,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").field("name", &self.row.name).finish_non_exhaustive()
    }
}

/// The file of tokens. Changes by another process, such as the command line, take effect at the next request.
#[derive(Debug)]
pub struct TokenFile(Stored<TokenRow>);

impl TokenFile {
    /// The tokens in `tokens.json` of a data folder, which may not be there yet.
    #[must_use]
    pub fn in_folder(data: &Path) -> Self {
        Self(Stored::at(data.join("tokens.json"), "tokens-unreadable"))
    }

    /// The tokens.
    pub fn list(&self) -> Result<Vec<TokenRow>, Reason> {
        self.0.list()
    }

    /// Makes a token.
    pub fn create(&self, name: &str, options: TokenOptions, now: Millis) -> Result<NewToken, Reason> {
        let mut rows = self.list()?;
        if rows.iter().any(|row| row.name == name) {
            return Err(Reason::new("token-exists", format!("there is a token `{name}` already"))
                .hint("revoke it first, or choose another name"));
        }
        let mut secret = [0u8; 32];
        rand::rng().fill_bytes(&mut secret);
        let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        let row = TokenRow {
            name: name.to_owned(),
            hash: hash(&token),
            scopes: options.scopes,
            system: options.system,
            roles: options.roles,
            partner: options.partner,
            sites: options.sites,
            types: options.types,
            created: now,
            expires: options.expires,
        };
        rows.push(row.clone());
        self.0.write(&rows)?;
        Ok(NewToken { token, row })
    }

    /// Ends a token. Says whether there was one.
    pub fn revoke(&self, name: &str) -> Result<bool, Reason> {
        let mut rows = self.list()?;
        let before = rows.len();
        rows.retain(|row| row.name != name);
        if rows.len() == before {
            return Ok(false);
        }
        self.0.write(&rows)?;
        Ok(true)
    }

    /// Who holds a token, and what it may be used for. Looks at every row, so that the time taken tells nothing.
    pub(super) fn find(&self, token: &str, now: Millis) -> Option<(Principal, Vec<Scope>)> {
        if !token.starts_with(PREFIX) || token.len() > 128 {
            return None;
        }
        let hash = hash(token);
        self.0.look(|rows| {
            let mut found = None;
            for row in rows {
                if bool::from(row.hash.as_bytes().ct_eq(hash.as_bytes())) {
                    found = Some(row);
                }
            }
            let row = found.filter(|row| row.expires.is_none_or(|expires| now < expires))?;
            Some((row.principal(), row.scopes.clone()))
        })
    }
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_until_it_expires_or_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::in_folder(folder.path());
        let bound = TokenOptions {
            system: "erp".to_owned(),
            expires: Some(Millis(100)),
            ..TokenOptions::of(&[Scope::Send])
        };
        let made = file.create("ci", bound, Millis(5)).unwrap();
        assert!(made.token.len() >= 43 + PREFIX.len());
        let (holder, scopes) = file.find(&made.token, Millis(6)).unwrap();
        assert_eq!((holder.name.as_str(), holder.system.as_str()), ("ci", "erp"));
        assert_eq!((holder.roles, scopes), (vec!["application".to_owned()], vec![Scope::Send]));
        assert_eq!(file.find(&made.token, Millis(100)), None);
        assert_eq!(file.find("lsh_wrong", Millis(6)), None);
        assert!(file.create("ci", TokenOptions::default(), Millis(5)).is_err());
        assert!(file.revoke("ci").unwrap());
        assert_eq!(file.find(&made.token, Millis(6)), None);
    }

    #[test]
    fn the_file_holds_no_token_and_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::in_folder(folder.path());
        let made = file.create("ci", TokenOptions::of(&[Scope::Admin]), Millis(5)).unwrap();
        let text = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
        assert!(!text.contains(&made.token) && !text.contains(&made.token[4..20]));
        let mode = std::fs::metadata(folder.path().join("tokens.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
