"""Feature vectors of photos: the cache on disk, and how it is filled."""
