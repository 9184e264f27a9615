"""One thin lifecycle node a file: parameters and topics wired to a core."""
