"""Families follow a change of their application's refresh token settings at their next exchange."""

from dataclasses import dataclass

from heirloom.domain import migration
from heirloom.domain.application import Application
from heirloom.domain.errors import Fault
from heirloom.domain.events import Event
from heirloom.domain.family import Family
from heirloom.domain.ports import Events, Families
from heirloom.endpoints.revocations import Revocations
from heirloom.http import Request


@dataclass(frozen=True, slots=True)
class Migrations:
    """Migrates a family that was exchanged just now, if its application's settings ask for it."""

    families: Families
    events: Events

    def follow(self, family: Family, application: Application, request: Request) -> None:
        """Migrate *family* if that is due. The exchange stands already: a fault is noted and the next one's."""
        due = migration.due(family, application.refresh_token, now=request.now)
        if due is None:
            return
        try:
            # First: of two that begin to rotate at the same time, neither finds the other left behind.
            self.families.migrate(family, due)
            if due.begins_to_rotate:
                others = migration.left_behind(self.families.of_user(family.grant.user_id), family)
                Revocations(self.families, self.events).end(
                    others, because="rotation_switched_on", caller=request.caller, now=request.now
                )
                # Last: until then each exchange goes on with what an interrupted one left.
                self.families.settle(family)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
