"""Looks for no garbage while the server of helpers.fork_server loads what comes next; helpers.console ends that."""

import gc

gc.disable()
