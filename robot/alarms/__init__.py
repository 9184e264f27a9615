"""The life of an alarm: suspected, checked by voice, raised, laddered until a named person has closed it.

`book` decides (pure), with `bed_watch` for the bed and `cases` for how a case changes; `fusion` weighs camera against
mattress, `ladder` times what a waiting resident hears, `store` writes.
"""
