"""The methods that are compared, one a file: `loop(recipe, gate)` sets up, opens the gate and never returns."""
