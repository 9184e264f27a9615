"""Hani (хань, 伴: companion): the software of a bilingual companion robot for older people at home."""

from __future__ import annotations

__version__ = "0.1.0"
