//! The corridor: intake, router, courier, projector; the supervisor, the clock and the handle.
