"""Who lives here and what the day brings: resident configuration and reminders that survive a power loss."""
