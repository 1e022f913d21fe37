//! The windows: the HTTP API and the console.
