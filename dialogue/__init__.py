"""What people say, what Hani says, and how a turn is understood: Rasa first, rules when Rasa is down, slow or unsure.

This package runs in the robot's interpreter. The Rasa project beside it (`dialogue/rasa`) runs in an interpreter of its
own and imports only `dialogue.text`, so nothing heavy may be imported here.
"""
