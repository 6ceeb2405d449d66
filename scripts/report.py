from aevb.cli.report import report

report()
