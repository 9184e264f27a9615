"""The reference platform: ingest, store, alarm desk, API and pages. It knows robots only by the contract."""

from __future__ import annotations
