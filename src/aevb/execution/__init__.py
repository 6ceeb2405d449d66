"""Processes: queues of runs, worker processes, ranks."""
