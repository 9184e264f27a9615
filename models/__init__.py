"""The models: what they are (catalogue), how they are checked, fetched and built."""
