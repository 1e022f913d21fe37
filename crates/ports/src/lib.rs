//! The contracts of the doors: source, sink and journal, and the suite every door must pass.
//!
//! A port knows nothing of any protocol, of the engine or of configuration files. Everything that moves bytes in or out
//! of the hub stands behind one of these traits, so that the engine runs the same over real doors and simulated ones.

pub mod gate;
pub mod journal;
pub mod sink;
pub mod source;
pub mod spans;
pub mod suite;

pub use gate::{Gate, GateResult};
pub use sink::{Delivery, Escape, Sink, Slot};
pub use source::{HandOver, Input, Receipt, Refusal, Source};
pub use spans::{NotExported, Span, SpanExport, SpanKind};
