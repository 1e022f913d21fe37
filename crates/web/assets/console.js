// Keeps a page up to date.
