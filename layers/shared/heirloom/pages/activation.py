"""Pages for a person with a device that cannot show them (RFC 8628 §3.3)."""

from collections.abc import Sequence

from heirloom.pages import shown
from heirloom.pages.catalogue import UserCodeProblem, texts_in
from heirloom.pages.document import Page, page
from heirloom.pages.shown import RequestedScope

_SELF = ("'self'",)


def enter_user_code(
    *,
    language: str,
    csrf: str,
    user_code: str = "",
    digits: bool = False,
    problem: UserCodeProblem | None = None,
    retry_after: int = 0,
) -> Page:
    """The page on which a person enters the code of a device; *digits* if codes consist of them.

    *retry_after* is in seconds.
    """
    texts = texts_in(language)
    problem_text = texts.user_code_problems[problem] if problem else ""
    if problem is UserCodeProblem.slow_down and retry_after > 0:
        problem_text = shown.pause(texts, retry_after)
    title = texts.connect_device
    return page(
        "enter_user_code.html",
        texts=texts,
        title=texts.problem_title.format(title=title) if problem else title,
        form_action=_SELF,
        csrf=csrf,
        user_code=shown.account(user_code),
        digits=digits,
        problem=problem,
        problem_text=problem_text,
    )


def confirm_device(
    *,
    language: str,
    application: str,
    logo_uri: str | None,
    user_code: str,
    account: str,
    api: str | None,
    scopes: Sequence[RequestedScope],
    request: str,
    csrf: str,
) -> Page:
    """The page that asks whether the device with this code is the person's, and may do what *scopes* say.

    *request* is carried on by its forms.
    """
    texts = texts_in(language)
    application = shown.name(application)
    image, origins = shown.logo(logo_uri)
    return page(
        "confirm_device.html",
        texts=texts,
        title=f"{texts.is_it_yours} · {application}",
        images=origins,
        form_action=_SELF,
        application=application,
        logo=image,
        user_code=user_code,
        account=shown.account(account),
        api=shown.name(api) if api else None,
        request=request,
        csrf=csrf,
        abilities=shown.abilities(texts, scopes),
    )


def device_answered(*, language: str, application: str, connected: bool) -> Page:
    """The end of it: the person goes on at the device, or said no to it."""
    texts = texts_in(language)
    heading = texts.device_connected if connected else texts.device_refused
    return page(
        "device_answered.html",
        texts=texts,
        title=heading,
        heading=heading,
        text=texts.device_connected_text if connected else texts.device_refused_text,
        application=shown.name(application),
        connected=connected,
    )
