"""What is measured, one group a file: `measure(plan, tell) -> Result`."""
