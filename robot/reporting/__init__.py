"""Reporting: the contract with the platform, the outbox and the uplink that empties it."""
