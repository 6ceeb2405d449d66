from aevb.verify import verify

verify()
