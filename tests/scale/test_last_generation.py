"""What comes after four bytes of rotations."""

import dataclasses

from heirloom.adapters.attributes import binary, number
from heirloom.adapters.families import item_key
from heirloom.domain.refresh_token import LAST_GENERATION, RefreshToken
from tests.endpoints.hands import store_calls
from tests.service import Service, refusal


def aged(service: Service, text: str, generation: int) -> str:
    """The token of a family that has rotated so often."""
    keyring = service.keys.keyring()
    token = dataclasses.replace(RefreshToken.parse(text, keyring), generation=generation)
    service.client.update_item(
        TableName=service.tables["FamiliesTable"],
        Key=item_key(token.family),
        UpdateExpression="SET generation = :generation, live_digest = :digest",
        ExpressionAttributeValues={":generation": number(generation), ":digest": binary(token.digest())},
    )
    return token.text(keyring)


def test_the_last_generation_is_reached_and_then_the_person_logs_in_again(service: Service) -> None:
    last_but_one = aged(service, service.login_tokens()["refresh_token"], LAST_GENERATION - 1)

    last = service.refreshed(last_but_one)

    assert RefreshToken.parse(last, service.keys.keyring()).generation == 0xFFFFFFFF
    assert service.refreshed(last_but_one) == last, "a replay within leeway"
    service.events.clear()
    with store_calls(service) as calls:
        assert refusal(service.refresh(last)) == (400, "invalid_grant")
    assert calls == []
    assert [event.reason for event in service.events] == ["generations_used_up"]


def test_an_application_that_does_not_rotate_keeps_its_token(service: Service) -> None:
    last = aged(service, service.login_tokens()["refresh_token"], LAST_GENERATION)
    service.set_policy(rotating=False)

    assert service.refreshed(last) == last
