//! The front door: the command line, the workspace loader and the wiring.
