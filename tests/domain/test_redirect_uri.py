"""Redirect URIs: exact, but for a native application's loopback port."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain.redirect_uri import Unregistrable, check_registrable, content_source, origin, registered

LONGEST_URI = "https://app.example/".ljust(1024, "x")
WEB = frozenset({"https://app.example/callback", "https://app.example/other?x=1"})
NATIVE = frozenset({"http://127.0.0.1/callback", "http://[::1]:7/callback", "com.example.app:/callback"})


@pytest.mark.parametrize("uri", sorted(WEB))
def test_a_registered_uri_matches_itself(uri: str) -> None:
    assert registered(uri, WEB, native=False)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback/",
        "https://app.example/callback?",
        "https://app.example/callback?x=1",
        "https://app.example/callback#",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example:443/callback",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://evil.example/https://app.example/callback",
        "http://app.example/callback",
        "https://app.example/callback/../evil",
        "https://app.example/%63allback",
        "//app.example/callback",
        "",
        "javascript:alert(1)",
    ],
)
def test_nothing_else_matches(uri: str) -> None:
    assert not registered(uri, WEB, native=False)
    assert not registered(uri, WEB | NATIVE, native=True)


@given(st.text())
def test_no_text_matches_but_a_registered_one(uri: str) -> None:
    assert registered(uri, WEB, native=False) is (uri in WEB)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:61000/callback",
        "http://[::1]/callback",
        "com.example.app:/callback",
    ],
)
def test_a_native_application_listens_on_any_loopback_port(uri: str) -> None:
    """RFC 8252 §7.3."""
    assert registered(uri, NATIVE, native=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/callback",
        "http://[::1]:61000/callback",
    ],
)
def test_other_applications_do_not(uri: str) -> None:
    assert not registered(uri, NATIVE, native=False)


def test_one_loopback_address_is_not_the_other() -> None:
    callbacks = frozenset({"http://127.0.0.1/callback"})

    assert registered("http://127.0.0.1:7/callback", callbacks, native=True)
    assert not registered("http://[::1]:7/callback", callbacks, native=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:51004/callback",
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/callback?x",
        "http://127.0.0.1:51004/callback#x",
        "https://127.0.0.1:51004/callback",
        "http://127.0.0.2:51004/callback",
        "http://user@127.0.0.1:51004/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1:51004/callback ",
        "http://127.0.0.1:51004/call\nback",
        "http://127.0.0.1.evil.example/callback",
        "com.example.app:/callback2",
        "com.example.app://callback",
    ],
)
def test_only_the_port_is_free(uri: str) -> None:
    assert not registered(uri, NATIVE, native=True)


@pytest.mark.parametrize(
    ("uri", "native"),
    [
        ("https://app.example/callback", False),
        ("https://app.example/callback?tenant=1", False),
        ("http://localhost:3000/", False),
        ("http://127.0.0.1/callback", True),
        ("http://[::1]/callback", True),
        ("com.example.app:/callback", True),
        ("com.example.app://host/callback", True),
        ("https://app.example/callback", True),
        (LONGEST_URI, False),
    ],
)
def test_what_may_be_registered(uri: str, native: bool) -> None:  # noqa: FBT001 - a row of a table
    check_registrable(uri, native=native)


@pytest.mark.parametrize(
    ("uri", "native", "reason"),
    [
        ("http://app.example/callback", False, "must use https, except on localhost"),
        ("http://127.0.0.2/callback", True, "must use https, except on localhost"),
        ("https://app.example/callback#fragment", False, "without a fragment"),
        ("https://app.example/callback#", False, "without a fragment"),
        ("https://*.example/callback", False, "wildcards"),
        ("https://user@app.example/", False, "no user name"),
        ("https://@app.example/", False, "no user name"),
        ("https:///callback", False, "must have a host"),
        ("http://:80/callback", False, "must have a host"),
        ("/callback", False, "absolute URI"),
        ("app.example/callback", False, "absolute URI"),
        ("app.example/callback", True, "absolute URI"),
        ("", False, "printable"),
        ("com.example.app:/callback", False, "must use https"),
        ("myapp:/callback", True, "private-use scheme"),
        ("javascript:alert(1)", True, "private-use scheme"),
        ("data:text/html,x", True, "private-use scheme"),
        ("file:///etc/passwd", True, "private-use scheme"),
        ("https://app.example/ x", False, "printable"),
        ("https://app.example\\@evil.example/", False, "printable"),
        ("https://app.example/\\", False, "printable"),
        (LONGEST_URI + "x", False, "at most 1024"),
        ("https://app.example:port/", False, "absolute URI"),
        ("https://[::1/", False, "absolute URI"),
        ("https://äpp.example/", False, "printable"),
    ],
)
def test_what_may_not(uri: str, native: bool, reason: str) -> None:  # noqa: FBT001 - a row of a table
    with pytest.raises(Unregistrable, match=reason):
        check_registrable(uri, native=native)


@pytest.mark.parametrize(
    ("uri", "its_origin", "source"),
    [
        ("https://app.example/callback", "https://app.example", "https://app.example"),
        ("https://App.Example:8443/x?y", "https://app.example:8443", "https://app.example:8443"),
        ("http://127.0.0.1:4711/", "http://127.0.0.1:4711", "http://127.0.0.1:4711"),
        ("com.example.app:/callback", None, "com.example.app:"),
        ("com.example.app://Host/callback", None, "com.example.app:"),
    ],
)
def test_where_a_redirect_goes(uri: str, its_origin: str | None, source: str) -> None:
    assert origin(uri) == its_origin
    assert content_source(uri) == source


@pytest.mark.parametrize("uri", ["", "//app.example/", "app.example", "https://[::1/", "https://app.example:port/"])
def test_what_is_no_absolute_uri_has_no_origin(uri: str) -> None:
    assert origin(uri) is None
