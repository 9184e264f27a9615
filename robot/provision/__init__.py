"""Set-up of a machine: `python3 -m robot.provision demo|test|board` brings and builds what is missing.

Standard library only: the system's Python runs it before any environment of the project exists.
"""
