"""Long runs: what shows only after an hour, a million jobs or a hundred stops."""
