"""How well the robot hears, measured on recordings: `python -m models.speech.evaluate FOLDER [--folds FOLDER]`."""
