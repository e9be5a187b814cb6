"""Pages that hand an authorization response over; a person sees them for a blink, or when JavaScript is off."""

import json
from collections.abc import Mapping, Sequence

from heirloom.pages import policy
from heirloom.pages.catalogue import DEFAULT_LANGUAGE, texts_in
from heirloom.pages.document import Page, page


def form_post(
    *,
    redirect_uri: str,
    parameters: Mapping[str, str],
    redirect_source: str,
    language: str = DEFAULT_LANGUAGE,
) -> Page:
    """A form with *parameters* that submits itself to *redirect_uri* (OAuth 2.0 Form Post Response Mode §2).

    Raises ValueError if *redirect_source* is neither an origin nor a scheme, or not one of *redirect_uri*.
    """
    source = policy.redirect_source(redirect_source)
    scheme, _, _ = source.partition(":")
    if not redirect_uri.lower().startswith(f"{scheme.lower()}:"):
        raise ValueError("the redirect address is of another scheme than its source")
    texts = texts_in(language)
    return page(
        "form_post.html",
        texts=texts,
        title=texts.one_moment,
        script="form_post.js",
        form_action=(source,),
        redirect_uri=redirect_uri,
        parameters=parameters,
    )


def web_message(
    *,
    target_origin: str,
    response: Mapping[str, str],
    frame_ancestors: Sequence[str],
    language: str = DEFAULT_LANGUAGE,
) -> Page:
    """A page that posts *response* to the window that opened or frames it, if that is of *target_origin*.

    *frame_ancestors* are the origins that may frame it; without one, nobody may.
    Raises ValueError if one of the origins is none.
    """
    texts = texts_in(language)
    return page(
        "web_message.html",
        texts=texts,
        title=texts.one_moment,
        script="web_message.js",
        frame_ancestors=tuple(policy.origin(ancestor) for ancestor in frame_ancestors),
        target_origin=policy.origin(target_origin),
        response=json.dumps(dict(response)),
    )
