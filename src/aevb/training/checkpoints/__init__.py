"""What a checkpoint contains, and how it is written."""
