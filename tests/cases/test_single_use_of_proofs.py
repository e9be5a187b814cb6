"""Case 9: what may be presented once, presented by many at one moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from heirloom.domain.application import Application
from tests.proofs import Prover
from tests.service import SPA, WEB, Service

MANY = 12


@pytest.mark.parametrize("application", [SPA, WEB], ids=["public", "confidential"])
def test_case_09_of_parallel_replays_of_one_proof_exactly_one_is_accepted(
    service: Service, application: Application
) -> None:
    """fosite: what was to be presented once was not checked for that (CVE-2020-15222)."""
    owner = Prover(service)
    token = owner.login_tokens(application)["refresh_token"]
    for _ in range(5):
        header = owner.header()

        with ThreadPoolExecutor(MANY) as pool:
            pending = [pool.submit(service.refresh, token, application, header) for _ in range(MANY)]
        statuses = sorted(done.result().status for done in pending)

        assert statuses == [200] + [400] * (MANY - 1)
    assert owner.refresh(token, application).status == 200


def test_case_09_of_parallel_replays_at_userinfo_exactly_one_is_accepted(service: Service) -> None:
    """fosite: what was to be presented once was not checked for that (CVE-2020-15222)."""
    owner = Prover(service)
    token = owner.login_tokens()["access_token"]
    for jti in ("1", "2", "3"):
        with ThreadPoolExecutor(MANY) as pool:
            pending = [pool.submit(owner.userinfo, token, jti=jti) for _ in range(MANY)]

        assert sorted(done.result().status for done in pending) == [200] + [401] * (MANY - 1)
