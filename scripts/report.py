from aevb.cli.entry import report

report()
