//! Pure decisions: validate, canonicalise, own, dedupe, route, pace, deliver.
