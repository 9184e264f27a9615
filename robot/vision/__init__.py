"""Watching: camera, pose, fall rules, zones. Frames never leave the process that takes them."""
