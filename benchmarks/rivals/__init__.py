"""The methods that are compared, one a file: `loop(spec, gate)` sets up, opens the gate and never returns."""
