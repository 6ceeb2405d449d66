from aevb.cli.status import status

status()
