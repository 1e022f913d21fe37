//! Tokens and logins of providers, right and wrong.
