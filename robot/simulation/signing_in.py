"""Signing in to the platform's pages as a program: by a login link, through the same form as a person."""

from __future__ import annotations

import re

import httpx

_FIELD = re.compile(r'name="csrf" value="([0-9a-f]+)"')


def sign_in(client: httpx.Client, token: str) -> None:
    """Use the link; from then on the client's requests carry the session and its form token.

    Raises httpx.HTTPError when the platform does not answer or the link does not stand.
    """
    asked = client.get(f"/login/{token}").raise_for_status()
    found = _FIELD.search(asked.text)
    form = {"csrf": found.group(1) if found else ""}
    answer = client.post(f"/login/{token}", data=form, follow_redirects=False)
    if answer.status_code != httpx.codes.SEE_OTHER:
        answer.raise_for_status()
        raise httpx.HTTPError("the link did not sign in")
    client.headers["X-CSRF-Token"] = str(client.get("/api/me").raise_for_status().json()["csrf"])
