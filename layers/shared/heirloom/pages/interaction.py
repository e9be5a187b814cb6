"""Pages on which a person reads or decides something."""

from collections.abc import Sequence

from heirloom.pages import policy, shown
from heirloom.pages.catalogue import ErrorKind, LoginProblem, Texts, texts_in
from heirloom.pages.document import Page, page, printable
from heirloom.pages.shown import RequestedScope

_DETAIL = 800


def login(
    *,
    language: str,
    application: str | None,
    logo_uri: str | None,
    request: str,
    csrf: str,
    email: str = "",
    problem: LoginProblem | None = None,
    retry_after: int = 0,
    signed_in_as: str | None = None,
    redirect_source: str | None,
) -> Page:
    """The login page; with *signed_in_as*, a chooser between that account and another one.

    Without an *application* it is for a person who wants to see where they are signed in.
    *request* is what both forms carry on: the query string of an authorization request, or a device. *retry_after* is
    in seconds; without *redirect_source* the person stays here after the login. Raises ValueError if it is neither an
    origin nor a scheme.
    """
    texts = texts_in(language)
    application = shown.name(application) if application is not None else None
    heading = texts.choose_account if signed_in_as else texts.sign_in
    title = f"{heading} · {application or texts.account.title}"
    image, origins = shown.logo(logo_uri)
    return page(
        "login.html",
        texts=texts,
        title=texts.problem_title.format(title=title) if problem else title,
        images=origins,
        form_action=("'self'", *([] if redirect_source is None else [policy.redirect_source(redirect_source)])),
        heading=heading,
        application=application,
        logo=image,
        request=request,
        csrf=csrf,
        email=email,
        problem=problem,
        problem_text=_problem(texts, problem, retry_after) if problem else "",
        signed_in_as=shown.account(signed_in_as) if signed_in_as else None,
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
    application = shown.name(application)
    image, origins = shown.logo(logo_uri)
    return page(
        "consent.html",
        texts=texts,
        title=f"{texts.allow_access} · {application}",
        images=origins,
        form_action=("'self'", policy.redirect_source(redirect_source)),
        application=application,
        logo=image,
        account=shown.account(account),
        api=shown.name(api) if api else None,
        request=request,
        csrf=csrf,
        redirect_host=shown.account(redirect_host),
        abilities=shown.abilities(texts, scopes),
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
        request_id=shown.account(request_id) if request_id else None,
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
    image, origins = shown.logo(logo_uri)
    return page(
        "logout.html",
        texts=texts,
        title=texts.sign_out_question,
        images=origins if application else (),
        form_action=("'self'", *(() if redirect_source is None else (policy.redirect_source(redirect_source),))),
        application=shown.name(application) if application else None,
        logo=image,
        account=shown.account(account) if account else None,
        request=request,
        csrf=csrf,
    )


def signed_out(*, language: str) -> Page:
    """The end of a session, where no address to return to was given."""
    texts = texts_in(language)
    return page("signed_out.html", texts=texts, title=texts.signed_out)


def _problem(texts: Texts, problem: LoginProblem, retry_after: int) -> str:
    if problem is LoginProblem.slow_down and retry_after > 0:
        return shown.pause(texts, retry_after)
    return texts.problems[problem]
