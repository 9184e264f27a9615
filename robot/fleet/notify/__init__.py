"""How people are told outside of the page: e-mail, webhook, SMS gateway. One outbox and one sender for each channel."""
