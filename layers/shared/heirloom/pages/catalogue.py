"""Every word on the pages, in every language they speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from heirloom.pages import account_texts
from heirloom.pages.account_texts import AccountTexts

type Forms = tuple[str, str]  # of one, of any other number


class LoginProblem(StrEnum):
    """Why the login form comes back."""

    wrong_credentials = "wrong_credentials"  # no such user, or another password: nobody is told which
    slow_down = "slow_down"
    missing_field = "missing_field"
    expired_form = "expired_form"


class UserCodeProblem(StrEnum):
    """Why the form for a device's code comes back."""

    wrong_code = "wrong_code"  # unknown, expired, answered before: nobody is told which
    slow_down = "slow_down"
    missing_code = "missing_code"


class ErrorKind(StrEnum):
    """Why a person cannot go on from here."""

    unknown_application = "unknown_application"
    wrong_redirect = "wrong_redirect"
    invalid_request = "invalid_request"
    expired_form = "expired_form"
    start_again = "start_again"
    too_many_tries = "too_many_tries"
    temporary_fault = "temporary_fault"


class Explanation(NamedTuple):
    """An error page: what happened, and what to do now."""

    heading: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """One language. `{…}` are names or numbers that a page fills in."""

    language: str

    sign_in: str
    sign_in_to: str
    email: str
    password: str
    choose_account: str
    continue_as: str
    another_account: str
    problem_title: str
    problems: Mapping[LoginProblem, str]
    wait: str
    seconds: Forms
    minutes: Forms
    hours: Forms

    allow_access: str
    asks_for_access: str
    signed_in_as: str
    will_be_able: str
    scopes: Mapping[str, str]
    in_api: str
    only_sign_in: str
    allow: str
    deny: str
    goes_to: str

    connect_device: str
    enter_user_code: str
    user_code: str
    user_code_problems: Mapping[UserCodeProblem, str]
    is_it_yours: str
    device_asks: str
    compare_code: str
    beware: str
    device_connected: str
    device_connected_text: str
    device_refused: str
    device_refused_text: str

    errors: Mapping[ErrorKind, Explanation]
    technical: str
    reference: str

    one_moment: str
    on_the_way: str
    continue_: str
    close_window: str
    sign_out_question: str
    asks_to_sign_out: str
    sign_out: str
    stay_signed_in: str
    signed_out: str
    signed_out_text: str

    account: AccountTexts


_ENGLISH = Texts(
    language="en",
    sign_in="Sign in",
    sign_in_to="to continue to {application}",
    email="Email address",
    password="Password",
    choose_account="Choose an account",
    continue_as="Continue as {account}",
    another_account="Use another account",
    problem_title="Problem: {title}",
    problems={
        LoginProblem.wrong_credentials: "The email address or the password is not right. Check both and try again.",
        LoginProblem.slow_down: "Too many attempts. Wait a moment, then try again.",
        LoginProblem.missing_field: "Enter both your email address and your password.",
        LoginProblem.expired_form: "This page was open for too long. Please enter your password again.",
    },
    wait="Too many attempts. Wait {duration}, then try again.",
    seconds=("{count} second", "{count} seconds"),
    minutes=("{count} minute", "{count} minutes"),
    hours=("{count} hour", "{count} hours"),
    allow_access="Allow access?",
    asks_for_access="{application} asks for access to your account.",
    signed_in_as="Signed in as",
    will_be_able="{application} will be able to",
    scopes={
        "openid": "Confirm who you are",
        "profile": "See your name and your picture",
        "email": "See your email address",
        "address": "See your postal address",
        "phone": "See your phone number",
        "offline_access": "Stay signed in and keep this access while you are away",
    },
    in_api="In {api}",
    only_sign_in="{application} learns only that you are signed in.",
    allow="Allow",
    deny="Deny",
    goes_to="Either way, you continue to {host}.",
    connect_device="Connect a device",
    enter_user_code="Enter the code that your device shows.",
    user_code="Code on your device",
    user_code_problems={
        UserCodeProblem.wrong_code: "This code is wrong or no longer valid. Check it, or get a new one on your device.",
        UserCodeProblem.slow_down: "Too many attempts. Wait a moment, then try again.",
        UserCodeProblem.missing_code: "Enter the code that your device shows.",
    },
    is_it_yours="Is this your device?",
    device_asks="A device with {application} asks for access to your account.",
    compare_code="Your device must show exactly this code",
    beware="Did somebody send you this code or a link to it? Then deny: their device would get into your account.",
    device_connected="Your device is connected",
    device_connected_text="It goes on with {application} in a moment. You can close this window now.",
    device_refused="The device was not connected",
    device_refused_text="It gets no access to your account. You can close this window now.",
    errors={
        ErrorKind.unknown_application: Explanation(
            "We do not know this application",
            "The link that brought you here names an application that is not registered. "
            "Go back and start again, or tell the people who run the application.",
        ),
        ErrorKind.wrong_redirect: Explanation(
            "This link leads somewhere unexpected",
            "The application wants you sent to an address that it has not registered. To keep your account safe, "
            "we stopped here. Please tell the people who run the application.",
        ),
        ErrorKind.invalid_request: Explanation(
            "Something is wrong with this link",
            "The application sent a request that we cannot answer. "
            "Go back and start again, or tell the people who run the application.",
        ),
        ErrorKind.expired_form: Explanation(
            "This page has expired",
            "It was open for too long, or was opened in another browser. "
            "Go back to the application and sign in again. You may also need to allow cookies.",
        ),
        ErrorKind.start_again: Explanation(
            "Please start again",
            "This step is already done or is no longer valid. Go back to the application and sign in from there.",
        ),
        ErrorKind.too_many_tries: Explanation(
            "Too many attempts",
            "To protect accounts, we slow down after many attempts. Wait a few minutes, then try again.",
        ),
        ErrorKind.temporary_fault: Explanation(
            "This is not working right now",
            "The fault is ours and should pass soon. Wait a moment, then try again.",
        ),
    },
    technical="For developers",
    reference="Reference",
    one_moment="One moment",
    on_the_way="You are on your way back to the application. If nothing happens, press the button.",
    continue_="Continue",
    close_window="You are on your way back to the application. If this window stays open, you can close it.",
    sign_out_question="Sign out?",
    asks_to_sign_out="{application} asks to sign you out in this browser.",
    sign_out="Sign out",
    stay_signed_in="To stay signed in, close this window.",
    signed_out="You are signed out",
    signed_out_text="You can close this window now.",
    account=account_texts.ENGLISH,
)

_GERMAN = Texts(
    language="de",
    sign_in="Anmelden",
    sign_in_to="um mit {application} fortzufahren",
    email="E-Mail-Adresse",
    password="Passwort",
    choose_account="Konto auswählen",
    continue_as="Weiter als {account}",
    another_account="Anderes Konto verwenden",
    problem_title="Problem: {title}",
    problems={
        LoginProblem.wrong_credentials: "Die E-Mail-Adresse oder das Passwort stimmt nicht. "
        "Prüfen Sie beides und versuchen Sie es noch einmal.",
        LoginProblem.slow_down: "Zu viele Versuche. Warten Sie einen Moment und versuchen Sie es noch einmal.",
        LoginProblem.missing_field: "Geben Sie Ihre E-Mail-Adresse und Ihr Passwort ein.",
        LoginProblem.expired_form: "Diese Seite war zu lange geöffnet. Bitte geben Sie Ihr Passwort noch einmal ein.",
    },
    wait="Zu viele Versuche. Warten Sie {duration} und versuchen Sie es dann noch einmal.",
    seconds=("{count} Sekunde", "{count} Sekunden"),
    minutes=("{count} Minute", "{count} Minuten"),
    hours=("{count} Stunde", "{count} Stunden"),
    allow_access="Zugriff erlauben?",
    asks_for_access="{application} bittet um Zugriff auf Ihr Konto.",
    signed_in_as="Angemeldet als",
    will_be_able="{application} darf dann",
    scopes={
        "openid": "bestätigen, wer Sie sind",
        "profile": "Ihren Namen und Ihr Bild sehen",
        "email": "Ihre E-Mail-Adresse sehen",
        "address": "Ihre Postanschrift sehen",
        "phone": "Ihre Telefonnummer sehen",
        "offline_access": "Sie angemeldet lassen und diesen Zugriff behalten, auch wenn Sie nicht da sind",
    },
    in_api="In {api}",
    only_sign_in="{application} erfährt nur, dass Sie angemeldet sind.",
    allow="Erlauben",
    deny="Ablehnen",
    goes_to="In beiden Fällen geht es weiter zu {host}.",
    connect_device="Gerät verbinden",
    enter_user_code="Geben Sie den Code ein, den Ihr Gerät anzeigt.",
    user_code="Code auf Ihrem Gerät",
    user_code_problems={
        UserCodeProblem.wrong_code: "Dieser Code ist falsch oder gilt nicht mehr. "
        "Prüfen Sie ihn, oder lassen Sie sich auf Ihrem Gerät einen neuen anzeigen.",
        UserCodeProblem.slow_down: "Zu viele Versuche. Warten Sie einen Moment und versuchen Sie es noch einmal.",
        UserCodeProblem.missing_code: "Geben Sie den Code ein, den Ihr Gerät anzeigt.",
    },
    is_it_yours="Ist das Ihr Gerät?",
    device_asks="Ein Gerät mit {application} bittet um Zugriff auf Ihr Konto.",
    compare_code="Genau diesen Code muss Ihr Gerät anzeigen",
    beware="Hat Ihnen jemand diesen Code oder einen Link dazu geschickt? Dann lehnen Sie ab: "
    "Sonst kommt ein fremdes Gerät in Ihr Konto.",
    device_connected="Ihr Gerät ist verbunden",
    device_connected_text="Dort geht es gleich mit {application} weiter. Sie können dieses Fenster jetzt schließen.",
    device_refused="Das Gerät wurde nicht verbunden",
    device_refused_text="Es bekommt keinen Zugriff auf Ihr Konto. Sie können dieses Fenster jetzt schließen.",
    errors={
        ErrorKind.unknown_application: Explanation(
            "Diese Anwendung ist uns nicht bekannt",
            "Der Link, der Sie hierher geführt hat, nennt eine Anwendung, die nicht registriert ist. "
            "Gehen Sie zurück und beginnen Sie neu, oder wenden Sie sich an die Betreiber der Anwendung.",
        ),
        ErrorKind.wrong_redirect: Explanation(
            "Dieser Link führt an einen unerwarteten Ort",
            "Die Anwendung möchte Sie an eine Adresse schicken, die sie nicht registriert hat. Zum Schutz Ihres "
            "Kontos halten wir hier an. Bitte wenden Sie sich an die Betreiber der Anwendung.",
        ),
        ErrorKind.invalid_request: Explanation(
            "Mit diesem Link stimmt etwas nicht",
            "Die Anwendung hat eine Anfrage geschickt, die wir nicht beantworten können. "
            "Gehen Sie zurück und beginnen Sie neu, oder wenden Sie sich an die Betreiber der Anwendung.",
        ),
        ErrorKind.expired_form: Explanation(
            "Diese Seite ist abgelaufen",
            "Sie war zu lange geöffnet oder stammt aus einem anderen Browser. Gehen Sie zurück zur Anwendung und "
            "melden Sie sich dort noch einmal an. Vielleicht müssen Sie auch Cookies zulassen.",
        ),
        ErrorKind.start_again: Explanation(
            "Bitte beginnen Sie neu",
            "Dieser Schritt ist schon erledigt oder gilt nicht mehr. "
            "Gehen Sie zurück zur Anwendung und melden Sie sich von dort aus an.",
        ),
        ErrorKind.too_many_tries: Explanation(
            "Zu viele Versuche",
            "Zum Schutz der Konten bremsen wir nach vielen Versuchen. "
            "Warten Sie einige Minuten und versuchen Sie es noch einmal.",
        ),
        ErrorKind.temporary_fault: Explanation(
            "Das klappt gerade nicht",
            "Der Fehler liegt bei uns und sollte bald vorübergehen. "
            "Warten Sie einen Moment und versuchen Sie es noch einmal.",
        ),
    },
    technical="Für die Entwicklung",
    reference="Referenz",
    one_moment="Einen Moment",
    on_the_way="Sie sind auf dem Weg zurück zur Anwendung. Wenn nichts geschieht, drücken Sie auf den Knopf.",
    continue_="Weiter",
    close_window="Sie sind auf dem Weg zurück zur Anwendung. "
    "Wenn dieses Fenster offen bleibt, können Sie es schließen.",
    sign_out_question="Abmelden?",
    asks_to_sign_out="{application} bittet darum, Sie in diesem Browser abzumelden.",
    sign_out="Abmelden",
    stay_signed_in="Um angemeldet zu bleiben, schließen Sie dieses Fenster.",
    signed_out="Sie sind abgemeldet",
    signed_out_text="Sie können dieses Fenster jetzt schließen.",
    account=account_texts.GERMAN,
)

_FRENCH = Texts(
    language="fr",
    sign_in="Se connecter",
    sign_in_to="pour continuer vers {application}",
    email="Adresse e-mail",
    password="Mot de passe",
    choose_account="Choisir un compte",
    continue_as="Continuer en tant que {account}",
    another_account="Utiliser un autre compte",
    problem_title="Problème\u00a0: {title}",
    problems={
        LoginProblem.wrong_credentials: "L’adresse e-mail ou le mot de passe est incorrect. "
        "Vérifiez les deux, puis réessayez.",
        LoginProblem.slow_down: "Trop de tentatives. Patientez un instant, puis réessayez.",
        LoginProblem.missing_field: "Saisissez votre adresse e-mail et votre mot de passe.",
        LoginProblem.expired_form: "Cette page est restée ouverte trop longtemps. "
        "Veuillez saisir de nouveau votre mot de passe.",
    },
    wait="Trop de tentatives. Patientez {duration}, puis réessayez.",
    seconds=("{count} seconde", "{count} secondes"),
    minutes=("{count} minute", "{count} minutes"),
    hours=("{count} heure", "{count} heures"),
    allow_access="Autoriser l’accès\u00a0?",
    asks_for_access="{application} demande l’accès à votre compte.",
    signed_in_as="Connecté en tant que",
    will_be_able="{application} pourra",
    scopes={
        "openid": "Confirmer votre identité",
        "profile": "Voir votre nom et votre photo",
        "email": "Voir votre adresse e-mail",
        "address": "Voir votre adresse postale",
        "phone": "Voir votre numéro de téléphone",
        "offline_access": "Vous garder connecté et conserver cet accès en votre absence",
    },
    in_api="Dans {api}",
    only_sign_in="{application} saura seulement que vous êtes connecté.",
    allow="Autoriser",
    deny="Refuser",
    goes_to="Dans les deux cas, vous continuez vers {host}.",
    connect_device="Connecter un appareil",
    enter_user_code="Saisissez le code que votre appareil affiche.",
    user_code="Code sur votre appareil",
    user_code_problems={
        UserCodeProblem.wrong_code: "Ce code est incorrect ou n’est plus valable. "
        "Vérifiez-le, ou demandez-en un nouveau à votre appareil.",
        UserCodeProblem.slow_down: "Trop de tentatives. Patientez un instant, puis réessayez.",
        UserCodeProblem.missing_code: "Saisissez le code que votre appareil affiche.",
    },
    is_it_yours="Est-ce bien votre appareil\u00a0?",
    device_asks="Un appareil avec {application} demande l’accès à votre compte.",
    compare_code="Votre appareil doit afficher exactement ce code",
    beware="Quelqu’un vous a envoyé ce code ou un lien qui le contient\u00a0? Alors refusez\u00a0: "
    "son appareil aurait accès à votre compte.",
    device_connected="Votre appareil est connecté",
    device_connected_text="{application} y continue dans un instant. Vous pouvez maintenant fermer cette fenêtre.",
    device_refused="L’appareil n’a pas été connecté",
    device_refused_text="Il n’a aucun accès à votre compte. Vous pouvez maintenant fermer cette fenêtre.",
    errors={
        ErrorKind.unknown_application: Explanation(
            "Nous ne connaissons pas cette application",
            "Le lien qui vous a conduit ici désigne une application qui n’est pas enregistrée. "
            "Revenez en arrière et recommencez, ou prévenez les responsables de l’application.",
        ),
        ErrorKind.wrong_redirect: Explanation(
            "Ce lien mène à un endroit inattendu",
            "L’application veut vous envoyer à une adresse qu’elle n’a pas enregistrée. Pour protéger votre compte, "
            "nous nous arrêtons ici. Veuillez prévenir les responsables de l’application.",
        ),
        ErrorKind.invalid_request: Explanation(
            "Ce lien pose un problème",
            "L’application a envoyé une demande à laquelle nous ne pouvons pas répondre. "
            "Revenez en arrière et recommencez, ou prévenez les responsables de l’application.",
        ),
        ErrorKind.expired_form: Explanation(
            "Cette page a expiré",
            "Elle est restée ouverte trop longtemps ou vient d’un autre navigateur. Revenez à l’application et "
            "connectez-vous de nouveau. Il faut peut-être aussi autoriser les cookies.",
        ),
        ErrorKind.start_again: Explanation(
            "Veuillez recommencer",
            "Cette étape est déjà faite ou n’est plus valable. Revenez à l’application et connectez-vous depuis là.",
        ),
        ErrorKind.too_many_tries: Explanation(
            "Trop de tentatives",
            "Pour protéger les comptes, nous ralentissons après de nombreuses tentatives. "
            "Patientez quelques minutes, puis réessayez.",
        ),
        ErrorKind.temporary_fault: Explanation(
            "Le service est momentanément indisponible",
            "La panne vient de nous et devrait bientôt passer. Patientez un instant, puis réessayez.",
        ),
    },
    technical="Pour les développeurs",
    reference="Référence",
    one_moment="Un instant",
    on_the_way="Vous retournez à l’application. Si rien ne se passe, appuyez sur le bouton.",
    continue_="Continuer",
    close_window="Vous retournez à l’application. Si cette fenêtre reste ouverte, vous pouvez la fermer.",
    sign_out_question="Se déconnecter\u00a0?",
    asks_to_sign_out="{application} demande à vous déconnecter dans ce navigateur.",
    sign_out="Se déconnecter",
    stay_signed_in="Pour rester connecté, fermez cette fenêtre.",
    signed_out="Vous êtes déconnecté",
    signed_out_text="Vous pouvez maintenant fermer cette fenêtre.",
    account=account_texts.FRENCH,
)

_SPANISH = Texts(
    language="es",
    sign_in="Iniciar sesión",
    sign_in_to="para continuar a {application}",
    email="Correo electrónico",
    password="Contraseña",
    choose_account="Elegir una cuenta",
    continue_as="Continuar como {account}",
    another_account="Usar otra cuenta",
    problem_title="Problema: {title}",
    problems={
        LoginProblem.wrong_credentials: "El correo electrónico o la contraseña no son correctos. "
        "Compruebe ambos e inténtelo de nuevo.",
        LoginProblem.slow_down: "Demasiados intentos. Espere un momento e inténtelo de nuevo.",
        LoginProblem.missing_field: "Escriba su correo electrónico y su contraseña.",
        LoginProblem.expired_form: "Esta página estuvo abierta demasiado tiempo. Vuelva a escribir su contraseña.",
    },
    wait="Demasiados intentos. Espere {duration} e inténtelo de nuevo.",
    seconds=("{count} segundo", "{count} segundos"),
    minutes=("{count} minuto", "{count} minutos"),
    hours=("{count} hora", "{count} horas"),
    allow_access="¿Permitir el acceso?",
    asks_for_access="{application} pide acceso a su cuenta.",
    signed_in_as="Sesión iniciada como",
    will_be_able="{application} podrá",
    scopes={
        "openid": "Confirmar quién es usted",
        "profile": "Ver su nombre y su foto",
        "email": "Ver su correo electrónico",
        "address": "Ver su dirección postal",
        "phone": "Ver su número de teléfono",
        "offline_access": "Mantener su sesión iniciada y conservar este acceso cuando usted no esté",
    },
    in_api="En {api}",
    only_sign_in="{application} solo sabrá que usted ha iniciado sesión.",
    allow="Permitir",
    deny="Rechazar",
    goes_to="En ambos casos, continuará a {host}.",
    connect_device="Conectar un dispositivo",
    enter_user_code="Escriba el código que muestra su dispositivo.",
    user_code="Código de su dispositivo",
    user_code_problems={
        UserCodeProblem.wrong_code: "Este código no es correcto o ya no es válido. "
        "Compruébelo o pida uno nuevo en su dispositivo.",
        UserCodeProblem.slow_down: "Demasiados intentos. Espere un momento e inténtelo de nuevo.",
        UserCodeProblem.missing_code: "Escriba el código que muestra su dispositivo.",
    },
    is_it_yours="¿Es este su dispositivo?",
    device_asks="Un dispositivo con {application} pide acceso a su cuenta.",
    compare_code="Su dispositivo debe mostrar exactamente este código",
    beware="¿Alguien le envió este código o un enlace con él? Entonces rechace: "
    "un dispositivo ajeno entraría en su cuenta.",
    device_connected="Su dispositivo está conectado",
    device_connected_text="Continuará con {application} en un momento. Ya puede cerrar esta ventana.",
    device_refused="El dispositivo no se ha conectado",
    device_refused_text="No tendrá acceso a su cuenta. Ya puede cerrar esta ventana.",
    errors={
        ErrorKind.unknown_application: Explanation(
            "No conocemos esta aplicación",
            "El enlace que le trajo aquí nombra una aplicación que no está registrada. "
            "Vuelva atrás y empiece de nuevo, o avise a los responsables de la aplicación.",
        ),
        ErrorKind.wrong_redirect: Explanation(
            "Este enlace lleva a un lugar inesperado",
            "La aplicación quiere enviarle a una dirección que no ha registrado. Para proteger su cuenta, "
            "nos detenemos aquí. Avise a los responsables de la aplicación.",
        ),
        ErrorKind.invalid_request: Explanation(
            "Este enlace no es correcto",
            "La aplicación envió una solicitud que no podemos atender. "
            "Vuelva atrás y empiece de nuevo, o avise a los responsables de la aplicación.",
        ),
        ErrorKind.expired_form: Explanation(
            "Esta página ha caducado",
            "Estuvo abierta demasiado tiempo o viene de otro navegador. Vuelva a la aplicación e inicie sesión "
            "de nuevo. Quizá también deba permitir las cookies.",
        ),
        ErrorKind.start_again: Explanation(
            "Empiece de nuevo",
            "Este paso ya se completó o ha dejado de ser válido. Vuelva a la aplicación e inicie sesión desde allí.",
        ),
        ErrorKind.too_many_tries: Explanation(
            "Demasiados intentos",
            "Para proteger las cuentas, frenamos después de muchos intentos. Espere unos minutos e inténtelo de nuevo.",
        ),
        ErrorKind.temporary_fault: Explanation(
            "Esto no funciona en este momento",
            "El fallo es nuestro y debería pasar pronto. Espere un momento e inténtelo de nuevo.",
        ),
    },
    technical="Para desarrolladores",
    reference="Referencia",
    one_moment="Un momento",
    on_the_way="Está volviendo a la aplicación. Si no ocurre nada, pulse el botón.",
    continue_="Continuar",
    close_window="Está volviendo a la aplicación. Si esta ventana sigue abierta, puede cerrarla.",
    sign_out_question="¿Cerrar sesión?",
    asks_to_sign_out="{application} pide cerrar su sesión en este navegador.",
    sign_out="Cerrar sesión",
    stay_signed_in="Para mantener la sesión iniciada, cierre esta ventana.",
    signed_out="Ha cerrado la sesión",
    signed_out_text="Ya puede cerrar esta ventana.",
    account=account_texts.SPANISH,
)

DEFAULT_LANGUAGE = _ENGLISH.language
LANGUAGES: Mapping[str, Texts] = {texts.language: texts for texts in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH)}


def texts_in(language: str) -> Texts:
    """The words of *language*; English, if the pages do not speak it."""
    return LANGUAGES.get(language, _ENGLISH)
