"""Refusals of the Management API, with the members that Auth0's have."""

from http import HTTPStatus


class Problem(Exception):
    """A refused request; `message` is for the caller and repeats no secret."""

    def __init__(self, status: HTTPStatus, error_code: str, message: str) -> None:
        """Take the status, Auth0's code, and what to say."""
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message


class BadRequest(Problem):
    """Something in the body is wrong."""

    def __init__(self, message: str, error_code: str = "invalid_body") -> None:
        """Take what is wrong."""
        super().__init__(HTTPStatus.BAD_REQUEST, error_code, message)


class BadQuery(BadRequest):
    """Something in the query is wrong."""

    def __init__(self, message: str) -> None:
        """Take what is wrong."""
        super().__init__(message, "invalid_query_string")


class NotFound(Problem):
    """There is no such thing."""

    def __init__(self, what: str) -> None:
        """Name the kind of thing: `client`."""
        super().__init__(HTTPStatus.NOT_FOUND, f"inexistent_{what}", f"The {what.replace('_', ' ')} does not exist.")
