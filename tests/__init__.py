"""A package, so that no other package's `tests` is imported in its place."""
