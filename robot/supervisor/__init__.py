"""Runs genuine ROS 2 launch files on machines without the `launch` packages, and leaves no process behind."""
