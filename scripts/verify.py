from aevb.cli.entry import verify

verify()
