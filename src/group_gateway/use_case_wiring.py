"""Builds the use cases from the settings that concern them."""

from group_gateway.cache.leases import Leases
from group_gateway.cache.local_store import local_store
from group_gateway.cache.store import CacheStore
from group_gateway.config import Settings
from group_gateway.digests import DigestKeys
from group_gateway.events import Events
from group_gateway.groups.reading.capabilities.capability_reader import CapabilityReader
from group_gateway.groups.reading.capabilities.upstream_capabilities import UpstreamCapabilities
from group_gateway.groups.reading.fhir_searches import GroupSearches
from group_gateway.groups.reading.group_history import GroupHistory
from group_gateway.groups.reading.group_reads import GroupReads
from group_gateway.groups.reading.invalidation import Invalidator
from group_gateway.groups.reading.loading.cache_slots import CacheSlots
from group_gateway.groups.reading.loading.group_fetcher import Lifetimes
from group_gateway.groups.reading.loading.group_loader import GroupLoader
from group_gateway.groups.reading.loading.search_pages import SearchPages
from group_gateway.groups.watching.group_watches import GroupWatches
from group_gateway.groups.watching.list_watches import ListWatches
from group_gateway.groups.watching.poller import Polling
from group_gateway.groups.writing.writes import GroupWrites
from group_gateway.resources.resource_reads import ResourceReads
from group_gateway.schema.context import Services
from group_gateway.upstream.client import GroupClient
from group_gateway.upstream.history_client import HistoryClient


def build_lifetimes(settings: Settings) -> Lifetimes:
    """Return the lifetimes of cache entries."""
    return Lifetimes(
        group=settings.cache_ttl,
        search=min(settings.cache_search_ttl, settings.cache_ttl),
        absence=min(settings.cache_absence_ttl, settings.cache_ttl),
    )


def build_fresh_reads(
    client: GroupClient,
    slots: CacheSlots,
    capabilities: UpstreamCapabilities,
    reader: CapabilityReader,
    keys: DigestKeys,
) -> GroupReads:
    """Return reads that bypass the cache: polls must see what others have changed."""
    nothing = local_store(max_entries=1, max_bytes=1, max_ttl=0)
    never = Lifetimes(group=0, search=0, absence=0)
    loader = GroupLoader(client, nothing, slots, capabilities, never)
    return GroupReads(loader, SearchPages(client, nothing, slots, lifetime=0), reader, keys)


def build_services(  # noqa: PLR0913, PLR0917 - all that the use cases take
    settings: Settings,
    client: GroupClient,
    cache: CacheStore,
    leases: Leases,
    keys: DigestKeys,
    events: Events,
) -> Services:
    """Return the use cases, which share one client, cache and set of capabilities."""
    lifetimes = build_lifetimes(settings)
    capabilities = UpstreamCapabilities()
    # Other headers may mean another tenant, whose entries are other ones.
    upstream = f"{client.base_url} {settings.upstream_headers}".rstrip()
    slots = CacheSlots(keys, upstream, settings.account())
    loader = GroupLoader(client, cache, slots, capabilities, lifetimes)
    pages = SearchPages(client, cache, slots, lifetime=lifetimes.search)
    invalidator = Invalidator(cache, slots, loader, pages)
    reader = CapabilityReader(client, capabilities)
    reads = GroupReads(loader, pages, reader, keys)
    fresh = build_fresh_reads(client, slots, capabilities, reader, keys)
    interval, timeout = settings.subscription_interval, settings.upstream_timeout
    polling = Polling(invalidator, events, leases, interval, timeout)
    return Services(
        reads=reads,
        searches=GroupSearches(loader, pages, reader, keys, client.base_url),
        history=GroupHistory(HistoryClient(client), reader, keys),
        writes=GroupWrites(client, capabilities, invalidator, slots, leases),
        invalidator=invalidator,
        watches=GroupWatches(client, reads, polling),
        list_watches=ListWatches(reads, fresh, keys, polling),
        resources=ResourceReads.of(client, cache, slots, lifetimes),
        keys=keys,
        upstream_url=client.base_url,
    )
