"""A fleet for load: thousands of simulated robots that speak the real contract over real MQTT 5 connections."""
