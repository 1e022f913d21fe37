//! X12 and EDIFACT.
