//! The gatekeeper: who may see and do what, decided by Cedar policies and by nothing else.
//!
//! Policies are readable files: those that are shipped, a role each, and those of a workspace. They are checked against a schema
//! before they decide anything. Listings ask for every row, so decisions are remembered by what policies can tell apart at
//! all (`sight`): Cedar is asked once for each such class, never once for each row.
//!
//! This room knows nothing of HTTP, files, tokens or time.

mod decide;
pub mod fields;
mod policies;
mod principal;
mod sight;

pub use decide::{Decision, Question, Subject};
pub use fields::FieldGroups;
pub use policies::{Fault, Policies, PolicyText, SCHEMA, SHIPPED};
pub use principal::{Kind, Principal, ROLES, role};
pub use sight::ReaderSight;
