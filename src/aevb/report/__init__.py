"""The report: run directories as one HTML file that needs neither a network nor JavaScript. Reads no weights and no torch."""

from aevb.report.build import Options, build_report, write_report

__all__ = ["Options", "build_report", "write_report"]
