"""What is good once is good once, however many present it together."""

import pytest

from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.hands import at_once
from tests.service import Service, refusal


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_case_09_fosite_a_client_assertion_is_taken_once(service: Service, path: str) -> None:
    """Fosite: nobody asked whether a `jti` had been seen, so an intercepted assertion was good until it expired."""
    service.declare(SIGNING)
    line = [service.login_tokens()["refresh_token"]]
    form = {"grant_type": "refresh_token", "refresh_token": line[0], "token": "none of ours"}
    text = assertion()

    answers = at_once([lambda: service.send("POST", path, with_assertion(form, text))] * 16)

    # Taken, and then refused as another client's token, or found to be no token: the fifteen others get no further.
    taken = (400, "invalid_grant") if path == "/oauth/token" else (200, "")
    outcomes = [(it.status, "") if it.status == 200 else refusal(it) for it in answers]
    assert sorted(outcomes) == sorted([taken, *[(401, "invalid_client")] * 15])
    assert len(service.items("SingleUseTable")) == 1
    assert refusal(service.send("POST", path, with_assertion(form, text))) == (401, "invalid_client")
    assert service.refresh(line[0]).status == 200, "it was the client that was refused, and nothing was lost"
