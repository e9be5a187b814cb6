"""Pages on which a person reads or decides something."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from heirloom.pages import policy
from heirloom.pages.catalogue import ErrorKind, LoginProblem, Texts, texts_in
from heirloom.pages.document import Page, page, printable

# What may be the source of an <img>; its origin goes into the policy.
_LOGO = re.compile(r"(https://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?)(?:[/?][!#-&(-;=?-\[\]-~]*)?", re.IGNORECASE)
_EMBEDDED_LOGO = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")

_NAME = 64
_ACCOUNT = 80
_SENTENCE = 280
_DETAIL = 800


@dataclass(frozen=True, slots=True)
class RequestedScope:
    """A scope that an application asks for; *description* is its API's, if it has one."""

    value: str
    description: str | None = None


def login(
    *,
    language: str,
    application: str,
    logo_uri: str | None,
    request: str,
    csrf: str,
    email: str = "",
    problem: LoginProblem | None = None,
    retry_after: int = 0,
    signed_in_as: str | None = None,
    redirect_source: str,
) -> Page:
    """The login page; with *signed_in_as*, a chooser between that account and another one.

    *request* is the query string of the authorization request, which both forms carry on. *retry_after* is in
    seconds. Raises ValueError if *redirect_source* is neither an origin nor a scheme.
    """
    texts = texts_in(language)
    application = _name(application)
    heading = texts.choose_account if signed_in_as else texts.sign_in
    title = f"{heading} · {application}"
    image, origins = _logo(logo_uri)
    return page(
        "login.html",
        texts=texts,
        title=texts.problem_title.format(title=title) if problem else title,
        images=origins,
        form_action=("'self'", policy.redirect_source(redirect_source)),
        heading=heading,
        application=application,
        logo=image,
        request=request,
        csrf=csrf,
        email=email,
        problem=problem,
        problem_text=_problem(texts, problem, retry_after) if problem else "",
        signed_in_as=printable(signed_in_as, limit=_ACCOUNT) if signed_in_as else None,
    )


def consent(
    *,
    language: str,
    application: str,
    logo_uri: str | None,
    account: str,
    api: str | None,
    scopes: Sequence[RequestedScope],
    request: str,
    csrf: str,
    redirect_source: str,
    redirect_host: str,
) -> Page:
    """The page that asks whether *application* may do what *scopes* say, in words.

    Raises ValueError if *redirect_source* is neither an origin nor a scheme.
    """
    texts = texts_in(language)
    application = _name(application)
    image, origins = _logo(logo_uri)
    about_person = [texts.scopes[scope.value] for scope in scopes if scope.value in texts.scopes]
    about_api = [
        printable(scope.description or scope.value, limit=_SENTENCE)
        for scope in scopes
        if scope.value not in texts.scopes
    ]
    return page(
        "consent.html",
        texts=texts,
        title=f"{texts.allow_access} · {application}",
        images=origins,
        form_action=("'self'", policy.redirect_source(redirect_source)),
        application=application,
        logo=image,
        account=printable(account, limit=_ACCOUNT),
        api=_name(api) if api else None,
        about_person=about_person,
        about_api=about_api,
        request=request,
        csrf=csrf,
        redirect_host=printable(redirect_host, limit=_ACCOUNT),
    )


def error(*, language: str, kind: ErrorKind, detail: str | None = None, request_id: str | None = None) -> Page:
    """What went wrong and what to do; *detail* is for the application's developer, *request_id* for support."""
    texts = texts_in(language)
    heading, advice = texts.errors[kind]
    return page(
        "error.html",
        texts=texts,
        title=heading,
        heading=heading,
        advice=advice,
        detail=printable(detail, limit=_DETAIL) if detail else None,
        request_id=printable(request_id, limit=_ACCOUNT) if request_id else None,
    )


def confirm_logout(
    *,
    language: str,
    application: str | None,
    logo_uri: str | None,
    account: str | None,
    request: str,
    csrf: str,
    redirect_source: str | None,
) -> Page:
    """The page that asks whether to end the session, since an application alone may not decide it.

    *request* is the query string of the logout request, which the form carries on.
    Raises ValueError if *redirect_source* is neither an origin nor a scheme.
    """
    texts = texts_in(language)
    image, origins = _logo(logo_uri)
    return page(
        "logout.html",
        texts=texts,
        title=texts.sign_out_question,
        images=origins if application else (),
        form_action=("'self'", *(() if redirect_source is None else (policy.redirect_source(redirect_source),))),
        application=_name(application) if application else None,
        logo=image,
        account=printable(account, limit=_ACCOUNT) if account else None,
        request=request,
        csrf=csrf,
    )


def signed_out(*, language: str) -> Page:
    """The end of a session, where no address to return to was given."""
    texts = texts_in(language)
    return page("signed_out.html", texts=texts, title=texts.signed_out)


def _name(text: str) -> str:
    return printable(text, limit=_NAME) or "–"


def _logo(uri: str | None) -> tuple[str | None, tuple[str, ...]]:
    if uri and (match := _LOGO.fullmatch(uri)):
        return uri, (match[1],)
    return (uri, ()) if uri and _EMBEDDED_LOGO.fullmatch(uri) else (None, ())


def _problem(texts: Texts, problem: LoginProblem, retry_after: int) -> str:
    if problem is LoginProblem.slow_down and retry_after > 0:
        return texts.wait.format(duration=_duration(texts, retry_after))
    return texts.problems[problem]


def _duration(texts: Texts, seconds: int) -> str:
    # Rounded up: whoever waits as long as we say must not be refused again.
    count, forms = seconds, texts.seconds
    for size, longer in ((60, texts.minutes), (60, texts.hours)):
        if count < 1.5 * size:
            break
        count, forms = -(-count // size), longer
    return forms[count != 1].format(count=count)
