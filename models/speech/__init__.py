"""The speech models: their recipe, and the models themselves."""
