"""What tests of the rotation share."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from heirloom.adapters import key_documents


@pytest.fixture(scope="module")
def quick_keys() -> Iterator[None]:
    """Signing keys of which nobody looks at the material: RSA keys take a second to make."""
    numbers = count()

    def made() -> dict[str, Any]:
        kid = f"key-{next(numbers)}"
        return {"kid": kid, "alg": "RS256", "private_key": f"private-{kid}", "jwk": {"kid": kid}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_documents, "new_signing_key", made)
        yield
