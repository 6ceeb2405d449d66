from aevb.cli.entry import status

status()
