"""The pages that people see, from the login to the error, and the two response modes that need a document.

Every function is pure: values in, a `Page` out, which says with which Content-Security-Policy it must be served.
"""

from heirloom.pages.account import Login as Login
from heirloom.pages.account import SignedInApplication as SignedInApplication
from heirloom.pages.account import Use as Use
from heirloom.pages.account import account as account
from heirloom.pages.account_texts import AccountNotice as AccountNotice
from heirloom.pages.activation import confirm_device as confirm_device
from heirloom.pages.activation import device_answered as device_answered
from heirloom.pages.activation import enter_user_code as enter_user_code
from heirloom.pages.catalogue import ErrorKind as ErrorKind
from heirloom.pages.catalogue import LoginProblem as LoginProblem
from heirloom.pages.catalogue import UserCodeProblem as UserCodeProblem
from heirloom.pages.document import Page as Page
from heirloom.pages.interaction import confirm_logout as confirm_logout
from heirloom.pages.interaction import consent as consent
from heirloom.pages.interaction import error as error
from heirloom.pages.interaction import login as login
from heirloom.pages.interaction import signed_out as signed_out
from heirloom.pages.language import choose_language as choose_language
from heirloom.pages.response import form_post as form_post
from heirloom.pages.response import web_message as web_message
from heirloom.pages.shown import RequestedScope as RequestedScope
