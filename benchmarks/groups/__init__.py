"""What is measured, one group a file: `measure(plan, report_progress) -> Result`."""
