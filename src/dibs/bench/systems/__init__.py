"""The adapter files that are shipped: dibs' own."""
