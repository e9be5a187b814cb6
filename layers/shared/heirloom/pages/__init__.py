"""The pages that people see: login, consent, errors, and the two response modes that need a document.

Every function is pure: values in, a `Page` out, which says with which Content-Security-Policy it must be served.
"""

from heirloom.pages.catalogue import ErrorKind as ErrorKind
from heirloom.pages.catalogue import LoginProblem as LoginProblem
from heirloom.pages.document import Page as Page
from heirloom.pages.interaction import RequestedScope as RequestedScope
from heirloom.pages.interaction import confirm_logout as confirm_logout
from heirloom.pages.interaction import consent as consent
from heirloom.pages.interaction import error as error
from heirloom.pages.interaction import login as login
from heirloom.pages.interaction import signed_out as signed_out
from heirloom.pages.language import choose_language as choose_language
from heirloom.pages.response import form_post as form_post
from heirloom.pages.response import web_message as web_message
