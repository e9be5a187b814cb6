"""The `claims` parameter, as far as it can be judged without knowing anybody."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain import claims_request
from heirloom.domain.claims_request import LONGEST, ClaimsRequest
from heirloom.domain.errors import InvalidRequest, UnmetAuthenticationRequirements
from heirloom.domain.user import SCOPE_OF_CLAIM

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
members = st.dictionaries(st.sampled_from(["sub", "acr", "email", "name", "unheard_of"]), json_values, max_size=4)


def test_the_example_of_the_specification() -> None:
    """OpenID Connect Core §5.5, the whole of it."""
    text = """
      {
       "userinfo":
        {
         "given_name": {"essential": true},
         "nickname": null,
         "email": {"essential": true},
         "email_verified": {"essential": true},
         "picture": null,
         "http://example.info/claims/groups": null
        },
       "id_token":
        {
         "auth_time": {"essential": true},
         "acr": {"values": ["urn:mace:incommon:iap:silver"] }
        }
      }"""

    assert claims_request.parse(text) == ClaimsRequest(
        userinfo=frozenset({"given_name", "nickname", "email", "email_verified", "picture"})
    )


@pytest.mark.parametrize(
    "text", [None, "{}", '{"userinfo": {}, "id_token": {}}', '{"else": 7}', '{"id_token":{"x":{}}}']
)
def test_nothing_is_asked_for(text: str | None) -> None:
    assert claims_request.parse(text) == ClaimsRequest()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        '"email"',
        "null",
        '{"userinfo": null}',
        '{"userinfo": []}',
        '{"userinfo": "email"}',
        '{"userinfo": {"email": true}}',
        '{"userinfo": {"email": ["a"]}}',
        '{"id_token": {"email": {"essential": "yes"}}}',
        '{"id_token": {"unheard_of": {"essential": 1}}}',
        '{"id_token": {"sub": {"values": "alice"}}}',
        '{"userinfo":' + "[" * 2000,
    ],
)
def test_what_is_malformed_is_an_invalid_request(text: str) -> None:
    with pytest.raises(InvalidRequest):
        claims_request.parse(text)


@pytest.mark.parametrize(
    ("document", "subjects"),
    [
        ({"id_token": {"sub": None}}, None),
        ({"id_token": {"sub": {"essential": True}}}, None),
        ({"id_token": {"sub": {"value": "alice"}}}, {"alice"}),
        ({"userinfo": {"sub": {"value": "alice"}}}, {"alice"}),
        ({"id_token": {"sub": {"values": ["alice", "bob"]}}}, {"alice", "bob"}),
        ({"id_token": {"sub": {"values": ["alice", "bob"]}}, "userinfo": {"sub": {"value": "bob"}}}, {"bob"}),
        ({"id_token": {"sub": {"value": "alice"}}, "userinfo": {"sub": {"value": "bob"}}}, set()),
        ({"userinfo": {"sub": None}, "id_token": {"sub": {"value": "bob"}}}, {"bob"}),
        ({"id_token": {"sub": {"value": 7}}}, set()),
        ({"id_token": {"sub": {"values": [["alice"], "bob"]}}}, {"bob"}),
        ({"id_token": {"sub": {"value": None}}}, set()),
    ],
)
def test_a_subject_that_is_named_is_the_only_one(document: object, subjects: set[str] | None) -> None:
    assert claims_request.parse(json.dumps(document)).subjects == subjects


@pytest.mark.parametrize("wanted", [{"value": "1"}, {"values": ["1", "2"]}])
def test_a_context_class_that_is_essential_is_refused_and_a_voluntary_one_is_not(wanted: dict[str, object]) -> None:
    """OpenID Connect Core §5.5.1.1."""
    with pytest.raises(UnmetAuthenticationRequirements):
        claims_request.parse(json.dumps({"id_token": {"acr": {"essential": True, **wanted}}}))
    assert claims_request.parse(json.dumps({"id_token": {"acr": wanted}})) == ClaimsRequest()
    assert claims_request.parse(json.dumps({"id_token": {"acr": {"essential": False, **wanted}}})) == ClaimsRequest()
    assert claims_request.parse('{"id_token": {"acr": {"essential": true}}}') == ClaimsRequest()


@pytest.mark.parametrize("text", ["x", "", "{", "[" * LONGEST])
def test_what_is_no_json_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidRequest, match="claims is not JSON"):
        claims_request.parse(text)


def test_a_request_may_be_as_long_as_its_limit() -> None:
    assert claims_request.parse("{}".ljust(LONGEST)) == ClaimsRequest()
    with pytest.raises(InvalidRequest, match="at most 4096"):
        claims_request.parse("{}".ljust(LONGEST + 1))


@given(st.dictionaries(st.sampled_from(["userinfo", "id_token", "x"]), members | json_values) | json_values)
def test_whatever_it_is_it_is_read_or_refused(document: object) -> None:
    try:
        request = claims_request.parse(json.dumps(document))
    except (InvalidRequest, UnmetAuthenticationRequirements):
        return

    assert request.userinfo | request.id_token <= SCOPE_OF_CLAIM.keys()


def test_what_the_scope_asks_for_is_not_asked_for_twice() -> None:
    request = claims_request.parse('{"userinfo": {"email": null, "name": null, "phone_number": null}}')

    assert request.userinfo_beyond(frozenset({"openid", "email"})) == {"name", "phone_number"}
    assert request.scopes == {"email", "profile", "phone"}


def test_what_either_token_shall_tell_is_asked_of_the_person() -> None:
    request = claims_request.parse(
        '{"userinfo": {"email": null}, "id_token": {"phone_number": null, "unheard_of": null}}'
    )

    assert request == ClaimsRequest(userinfo=frozenset({"email"}), id_token=frozenset({"phone_number"}))
    assert request.scopes == {"email", "phone"}
