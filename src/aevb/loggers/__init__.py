"""Run loggers: TensorBoard and recorded posterior means."""
