"""Who a robot is: the authority, claim codes, certificates, their renewal and their end."""
