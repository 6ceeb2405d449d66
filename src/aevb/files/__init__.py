"""Files on disk: written as a whole, and read only if they are regular files of a bounded size."""
