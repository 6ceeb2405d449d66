"""Run loggers: what shows a run beside metrics.csv, e.g. TensorBoard, W&B, MLflow or recorded posterior means."""
