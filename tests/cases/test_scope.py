"""What a refresh may ask for."""

from tests.service import ISSUER, Service, claims_of, refusal, tokens

GRANTED = "openid email offline_access profile read:notes"


def test_case_12_a_narrower_scope_is_this_answers_alone_and_grows_back_to_the_grant_at_most(service: Service) -> None:
    """Hydra: `scope` was ignored by a refresh, so nobody could ask for less."""
    login = service.login_tokens()
    assert login["scope"] == GRANTED
    token = login["refresh_token"]
    for requested, granted in (
        ("read:notes", "read:notes"),
        (None, GRANTED),
        ("openid read:notes", "openid read:notes"),
        ("read:notes write:notes admin openid", "openid read:notes"),
        (f"{GRANTED} write:notes", GRANTED),
        ("", GRANTED),
    ):
        document = tokens(service.refresh(token, scope=requested))

        assert document["scope"] == claims_of(document["access_token"])["scope"] == granted
        assert (f"{ISSUER}userinfo" in claims_of(document["access_token"])["aud"]) == ("openid" in granted)
        assert claims_of(document["id_token"])["name"] == "Alice", "narrowing never costs the ID token"
        token = document["refresh_token"]


def test_case_12_a_repeated_request_is_narrowed_for_itself(service: Service) -> None:
    """Hydra: here two answers to one token may differ in their scope, and still lead to the same successor."""
    token = service.login_tokens()["refresh_token"]

    narrow, wide = tokens(service.refresh(token, scope="read:notes")), tokens(service.refresh(token))

    assert (narrow["scope"], wide["scope"]) == ("read:notes", GRANTED)
    assert narrow["refresh_token"] == wide["refresh_token"]


def test_case_12_what_was_never_granted_is_refused_and_spends_nothing(service: Service) -> None:
    """Hydra: RFC 6749 §6: the scope must not include what the person did not grant."""
    token = service.login_tokens(scope="offline_access read:notes")["refresh_token"]
    before = service.contents()

    assert refusal(service.refresh(token, scope="openid profile")) == (400, "invalid_scope")

    assert service.contents() == before
    assert tokens(service.refresh(token))["scope"] == "offline_access read:notes"
