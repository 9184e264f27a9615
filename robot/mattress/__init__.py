"""The smart mattress: vendor payloads to readings (`codecs`), readings to presence (`presence`), over MQTT (`link`)."""
