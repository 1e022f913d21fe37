//! What every source promises, tried with a hub that remembers, refuses and crashes as it is told.
