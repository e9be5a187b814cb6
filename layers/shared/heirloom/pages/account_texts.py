"""The words of the page that shows where a person is signed in, in every language."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AccountNotice(StrEnum):
    """What became of what a person asked for on the page."""

    browser_signed_out = "browser_signed_out"
    device_signed_out = "device_signed_out"
    access_removed = "access_removed"
    others_signed_out = "others_signed_out"
    not_signed_in = "not_signed_in"  # ended before, or never theirs: nobody is told which
    somebody_else = "somebody_else"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTexts:
    """One language. `{…}` are names or numbers that the page fills in."""

    sign_in_to: str
    title: str
    lead: str
    notices: Mapping[AccountNotice, str]

    browsers: str
    browsers_text: str
    this_browser: str
    applications: str
    applications_text: str
    no_applications: str

    device: str
    unknown_device: str
    signed_in: str
    last_used: str
    now: str
    by_its_server: str
    used_in: str
    show_all: str
    overview: str

    allowed: str
    remove_access: str
    sign_out_everywhere: str
    everywhere_text: str
    others: str
    everywhere: str
    told_by_devices: str

    time: str
    months: str  # from the first to the last, between spaces


ENGLISH = AccountTexts(
    sign_in_to="to see where you are signed in",
    title="Where you are signed in",
    lead="If you do not know something here, or no longer use it, sign it out.",
    notices={
        AccountNotice.browser_signed_out: "The browser is signed out, and so are the applications opened with it.",
        AccountNotice.device_signed_out: "The device is signed out.",
        AccountNotice.access_removed: "The application has no access to your account any more.",
        AccountNotice.others_signed_out: "Everything else is signed out.",
        AccountNotice.not_signed_in: "That was not signed in any more. Nothing was changed.",
        AccountNotice.somebody_else: "You have signed in with another account meanwhile. Nothing was changed.",
    },
    browsers="Browsers",
    browsers_text="Signing a browser out also signs out the applications that were opened with it.",
    this_browser="This browser",
    applications="Applications",
    applications_text="They stay signed in on these devices, or may use your account.",
    no_applications="No application stays signed in.",
    device="{browser} on {system}",
    unknown_device="Unknown device",
    signed_in="Signed in",
    last_used="Last used",
    now="Now",
    by_its_server="by the application’s own server",
    used_in="Used for",
    show_all="Show all {count}",
    overview="Back to the overview",
    allowed="What it may do",
    remove_access="Remove access",
    sign_out_everywhere="Sign out everywhere",
    everywhere_text="Use this if a device is lost, or if something here is not yours. "
    "Some applications notice it only after a while.",
    others="Sign out everything else",
    everywhere="Sign out everywhere, here too",
    told_by_devices="Devices are named as they name themselves. Addresses are those of the network that they used.",
    time="{day} {month} {year}, {clock} UTC",
    months="January February March April May June July August September October November December",
)

GERMAN = AccountTexts(
    sign_in_to="um zu sehen, wo Sie angemeldet sind",
    title="Wo Sie angemeldet sind",
    lead="Was Sie hier nicht kennen oder nicht mehr verwenden, melden Sie ab.",
    notices={
        AccountNotice.browser_signed_out: "Der Browser ist abgemeldet, ebenso die Anwendungen, "
        "die damit geöffnet wurden.",
        AccountNotice.device_signed_out: "Das Gerät ist abgemeldet.",
        AccountNotice.access_removed: "Die Anwendung hat keinen Zugriff mehr auf Ihr Konto.",
        AccountNotice.others_signed_out: "Alles andere ist abgemeldet.",
        AccountNotice.not_signed_in: "Das war nicht mehr angemeldet. Es wurde nichts geändert.",
        AccountNotice.somebody_else: "Sie haben sich inzwischen mit einem anderen Konto angemeldet. "
        "Es wurde nichts geändert.",
    },
    browsers="Im Browser",
    browsers_text="Mit einem Browser werden auch die Anwendungen abgemeldet, die damit geöffnet wurden.",
    this_browser="Dieser Browser",
    applications="Anwendungen",
    applications_text="Sie bleiben auf diesen Geräten angemeldet oder dürfen Ihr Konto verwenden.",
    no_applications="Keine Anwendung bleibt angemeldet.",
    device="{browser} unter {system}",
    unknown_device="Unbekanntes Gerät",
    signed_in="Angemeldet",
    last_used="Zuletzt verwendet",
    now="Jetzt",
    by_its_server="vom Server der Anwendung",
    used_in="Verwendet für",
    show_all="Alle {count} anzeigen",
    overview="Zurück zur Übersicht",
    allowed="Was sie darf",
    remove_access="Zugriff entziehen",
    sign_out_everywhere="Überall abmelden",
    everywhere_text="Verwenden Sie dies, wenn ein Gerät verloren ging oder hier etwas nicht Ihnen gehört. "
    "Manche Anwendungen merken es erst nach einer Weile.",
    others="Alles andere abmelden",
    everywhere="Überall abmelden, auch hier",
    told_by_devices="Geräte heißen hier, wie sie sich selbst nennen. "
    "Adressen sind die des Netzes, das sie verwendet haben.",
    time="{day}. {month} {year}, {clock} UTC",
    months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
)

FRENCH = AccountTexts(
    sign_in_to="pour voir où vous êtes connecté",
    title="Où vous êtes connecté",
    lead="Si vous ne reconnaissez pas un élément ou ne l’utilisez plus, déconnectez-le.",
    notices={
        AccountNotice.browser_signed_out: "Le navigateur est déconnecté, ainsi que les applications ouvertes avec lui.",
        AccountNotice.device_signed_out: "L’appareil est déconnecté.",
        AccountNotice.access_removed: "L’application n’a plus accès à votre compte.",
        AccountNotice.others_signed_out: "Tout le reste est déconnecté.",
        AccountNotice.not_signed_in: "Cet élément n’était plus connecté. Rien n’a été modifié.",
        AccountNotice.somebody_else: "Vous vous êtes connecté entre-temps avec un autre compte. Rien n’a été modifié.",
    },
    browsers="Navigateurs",
    browsers_text="Déconnecter un navigateur déconnecte aussi les applications ouvertes avec lui.",
    this_browser="Ce navigateur",
    applications="Applications et appareils",
    applications_text="Elles restent connectées sur ces appareils, ou peuvent utiliser votre compte.",
    no_applications="Aucune application ne reste connectée.",
    device="{browser} sur {system}",
    unknown_device="Appareil inconnu",
    signed_in="Connexion",
    last_used="Dernière utilisation",
    now="Maintenant",
    by_its_server="par le serveur de l’application",
    used_in="Utilisé pour",
    show_all="Tout afficher ({count})",
    overview="Retour à la vue d’ensemble",
    allowed="Ce qu’elle peut faire",
    remove_access="Retirer l’accès",
    sign_out_everywhere="Se déconnecter partout",
    everywhere_text="Faites-le si un appareil est perdu, ou si un élément ne vient pas de vous. "
    "Certaines applications ne s’en aperçoivent qu’après un moment.",
    others="Déconnecter tout le reste",
    everywhere="Se déconnecter partout, ici aussi",
    told_by_devices="Les appareils portent le nom qu’ils se donnent. "
    "Les adresses sont celles du réseau qu’ils ont utilisé.",
    time="{day} {month} {year}, {clock} (UTC)",
    months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
)

SPANISH = AccountTexts(
    sign_in_to="para ver dónde tiene la sesión iniciada",
    title="Dónde tiene la sesión iniciada",
    lead="Si no reconoce algo de esta lista o ya no lo usa, cierre su sesión.",
    notices={
        AccountNotice.browser_signed_out: "Se cerró la sesión en el navegador "
        "y en las aplicaciones que se abrieron con él.",
        AccountNotice.device_signed_out: "Se cerró la sesión en el dispositivo.",
        AccountNotice.access_removed: "La aplicación ya no tiene acceso a su cuenta.",
        AccountNotice.others_signed_out: "Se cerró la sesión en todo lo demás.",
        AccountNotice.not_signed_in: "Esa sesión ya no estaba iniciada. No se cambió nada.",
        AccountNotice.somebody_else: "Entretanto usted inició sesión con otra cuenta. No se cambió nada.",
    },
    browsers="Navegadores",
    browsers_text="Al cerrar la sesión en un navegador, también se cierra en las aplicaciones que se abrieron con él.",
    this_browser="Este navegador",
    applications="Aplicaciones",
    applications_text="Mantienen la sesión iniciada en estos dispositivos o pueden usar su cuenta.",
    no_applications="Ninguna aplicación mantiene la sesión iniciada.",
    device="{browser} en {system}",
    unknown_device="Dispositivo desconocido",
    signed_in="Inicio de sesión",
    last_used="Último uso",
    now="Ahora",
    by_its_server="por el servidor de la aplicación",
    used_in="Usado para",
    show_all="Mostrar todo ({count})",
    overview="Volver al resumen",
    allowed="Qué puede hacer",
    remove_access="Quitar el acceso",
    sign_out_everywhere="Cerrar sesión en todas partes",
    everywhere_text="Hágalo si perdió un dispositivo o si algo de esta lista no es suyo. "
    "Algunas aplicaciones lo notan solo al cabo de un rato.",
    others="Cerrar todo lo demás",
    everywhere="Cerrar en todas partes, aquí también",
    told_by_devices="Los dispositivos llevan el nombre que ellos mismos dan. "
    "Las direcciones son las de la red que usaron.",
    time="{day} de {month} de {year}, {clock} UTC",
    months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
)
