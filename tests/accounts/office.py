"""People who edit roles and give them to each other, over stores in memory."""

from __future__ import annotations

from dataclasses import replace

from tests.accounts.application import ALICE
from tests.accounts.fakes import World
from tests.accounts.test_recent import account
from tests.pipeline.asgi import make_exchange
from zenith.accounts import RoleChange
from zenith.kernel.principal import Principal
from zenith.rbac import RoleDefinition


class Office:
    """A process, its people and the credentials they hold."""

    def __init__(self, other=None):
        self.world = World(other.world if other else None)

    async def hire(self, name, *roles, permissions=()):
        person = replace(account(name, roles=roles), permissions=permissions)
        assert await self.world.accounts.create(person)
        return await self.who(name)

    async def who(self, name, tenant=None):
        """The principal that a credential of theirs stands for here, at this moment."""
        await self.world.revocations.refresh()
        subject = await self.world.subjects.find(name, tenant)
        return Principal(
            subject=name,
            roles=subject.roles,
            permissions=subject.permissions,
            tenant=subject.tenant,
        )

    async def token(self, name):
        session, _ = await self.world.sessions.start(
            name, kind="api", address="", user_agent="", factors={}
        )
        return (await self.world.grants.access(session)).token

    async def by_token(self, token):
        exchange = make_exchange(headers=[("authorization", f"Bearer {token}")])
        return await self.world.bearer.authenticate(exchange)

    async def actor(self, who):
        """By name: what they hold at this moment."""
        return await self.who(who) if isinstance(who, str) else who

    async def make(self, who, name, *permissions, **more):
        definition = RoleDefinition(name=name, permissions=permissions, **more)
        return await self.world.definitions.create(await self.actor(who), definition, client=ALICE)

    async def change(self, who, role, /, **change):
        return await self.world.definitions.change(
            await self.actor(who), role, RoleChange(**change), client=ALICE
        )

    async def delete(self, who, name):
        await self.world.definitions.delete(await self.actor(who), name, client=ALICE)

    async def grant(self, who, name, role, **more):
        return await self.world.assignments.grant(
            await self.actor(who), name, role, client=ALICE, **more
        )

    async def revoke(self, who, name, role, **more):
        return await self.world.assignments.revoke(
            await self.actor(who), name, role, client=ALICE, **more
        )

    @property
    def now(self):
        return self.world.time.now
