"""Help without a word: pendants, SOS buttons, pull cords, door and motion sensors.

`zigbee` reads Zigbee2MQTT's payloads, `devices` is the list of a home's devices, `watch` decides (pure), `store`
remembers what must outlive a restart, `link` is the way to the broker.
"""
