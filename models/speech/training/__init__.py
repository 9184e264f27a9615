"""The recipe of the bilingual speech model: from a data folder and a Kaldi base model to a Vosk model folder."""
