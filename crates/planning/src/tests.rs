//! Cases worked by hand, and properties against a plain reference.

mod build;
mod exchange;
mod options;
mod oracle;
mod properties;
mod textbook;
