//! A value that is replaced as a whole while others go on with the one they have.

use std::sync::Arc;

use parking_lot::RwLock;

/// The current value. Loading it is a short read lock and a count.
#[derive(Debug, Default)]
pub(crate) struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// Starts with a value.
    pub(crate) fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value as it is now; it stays what it is for whoever holds it.
    pub(crate) fn load(&self) -> Arc<T> {
        Arc::clone(&self.0.read())
    }

    /// Puts a new value in its place.
    pub(crate) fn store(&self, value: T) {
        *self.0.write() = Arc::new(value);
    }
}
