"""The life of an alarm: suspected, checked by voice, raised, laddered until a named person has closed it.

`book` decides (pure), `fusion` weighs camera against mattress, `ladder` times what a waiting resident hears, `store`
writes.
"""
