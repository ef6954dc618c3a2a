"""A search whose hits are fetched page after page, as they were when it began."""

DEFAULT_SIZE = 10
MAX_SECONDS = 24 * 3600.0  # search.max_keep_alive of a server
