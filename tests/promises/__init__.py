"""One module for each promise of the documentation; each of its tests is a way around that promise, now closed."""
