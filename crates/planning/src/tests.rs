//! Cases worked by hand, and properties against a plain reference.

mod build;
mod options;
mod oracle;
mod properties;
mod textbook;
