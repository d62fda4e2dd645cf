"""Who asks whether a person is there, and which addresses are nobody's."""

from __future__ import annotations

from collections.abc import Sequence

from zenith.abuse import AttemptStore, DisposableDomains
from zenith.abuse.challenges import (
    ChallengeProvider,
    Challenges,
    ProofProvider,
    SiteverifyProvider,
)
from zenith.kernel.events import EventSink
from zenith.kernel.keys import Secret
from zenith.settings import Settings


def make_challenges(
    settings: Settings, store: AttemptStore, secrets: Sequence[Secret], events: EventSink
) -> Challenges:
    """Challenges of the provider that is set; spent tokens are kept with the attempts."""
    wanted = settings.abuse.challenges
    provider: ChallengeProvider
    if wanted.provider == "proof_of_work":
        provider = ProofProvider(
            secrets,
            numbers=settings.abuse.proof_numbers,
            lifetime=settings.abuse.proof_lifetime,
        )
    else:
        provider = SiteverifyProvider(
            wanted,
            hostnames=wanted.hostnames or (settings.hostname,),
            outbound=settings.outbound,
        )
    return Challenges(provider, store, secrets, wanted, events=events)


def make_disposable(settings: Settings) -> DisposableDomains:
    """Domains of mailboxes for minutes: ours, the operator's, less those that are allowed."""
    abuse = settings.abuse
    return DisposableDomains(
        abuse.disposable_addresses, file=abuse.disposable_file, allowed=abuse.disposable_allowed
    )
