"""The simulated home: a room that plays real recordings, a mattress, and a scenario that a person can read."""
