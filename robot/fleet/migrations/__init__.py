"""Alembic's environment and the versions of the platform's schema; run by robot.fleet.database at each start."""
