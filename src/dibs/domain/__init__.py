"""Layer 0: values and rules. No I/O, no event loop, no driver; clock and randomness are passed in."""
