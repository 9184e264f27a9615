"""Hours of ordinary life in a simulated room, with truth labels: the developers' instrument for the fall watcher."""
