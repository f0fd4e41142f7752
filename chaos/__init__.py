"""Long runs of dibs under fire, with a recorded history and a verdict; `python -m chaos.run` is the way in."""
