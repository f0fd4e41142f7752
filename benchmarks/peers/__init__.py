"""One adapter file for each peer; each is loaded by its path, in an environment of its own."""
