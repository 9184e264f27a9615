"""Hearing and speaking: audio devices, recognition, turns, safety words, text normalisation and synthesis."""
