from aevb.cli.verify import verify

verify()
