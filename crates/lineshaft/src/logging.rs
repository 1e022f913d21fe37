//! The log of a running hub: lines on standard error, JSON unless the workspace asks for text.

use tracing_subscriber::EnvFilter;

use crate::workspace::settings::{Log, LogFormat};

/// Starts logging. Called once; a second call changes nothing.
pub fn start(log: &Log, colour: bool) {
    // Libraries are quieter than the hub: what they tell is rarely an operator's business.
    let level = log.level.as_str();
    let filter = EnvFilter::new(format!("{level},hyper=warn,h2=warn,rustls=warn,tower=warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => lines.with_ansi(colour).with_target(false).try_init(),
    };
}
