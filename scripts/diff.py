from aevb.compare import diff

diff()
