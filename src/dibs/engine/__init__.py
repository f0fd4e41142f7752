"""Layer 2: one use case a file, as operations: generators that yield statements and receive rows. No await, no loop."""
