"""Ids and names in every sandbox's data, for tests and examples."""

from typing import Final

TOKEN: Final = "sandbox"  # noqa: S105  the sandbox's credentials are public
READ_TOKEN: Final = "sandbox-read"  # noqa: S105
OTHER_TOKEN: Final = "sandbox-other"  # noqa: S105
CLIENT_ID: Final = "sandbox"
CLIENT_SECRET: Final = "sandbox-secret"  # noqa: S105

# The groups of the seed document, in its order.
TEST_GROUP_ID: Final = "33104aa7-e3ae-4650-bdac-04bfae8365bc"
TEST_GROUP_TWIN_ID: Final = "47ae3df8-9204-4790-a4ac-f05b14d7b56f"
GOLD_KIDNEY_ID: Final = "03811b90-5c2c-4490-9ac8-8ffd7f25fcf4"
JESS_ID: Final = "fb89388f-2d82-4f8f-8abb-66162cf6d504"
EMPTY_GROUP_ID: Final = "728b07ce-4199-46c0-8766-f5bbc1566f9b"
FAVORITES_ID: Final = "e8b1840b-b3c6-42ae-a118-c66aad5197f8"
SEED_GROUP_IDS: Final = (
    TEST_GROUP_ID,
    TEST_GROUP_TWIN_ID,
    GOLD_KIDNEY_ID,
    JESS_ID,
    EMPTY_GROUP_ID,
    FAVORITES_ID,
)
# A patient of both "Test Group"s.
SEED_PATIENT_ID: Final = "cf10ff9d14d0429cb5bb7040611d1a24"

# Groups of the generated set. `sandbox-other` sees those whose id begins with an even digit.
RICH_GROUP_ID: Final = "6f0e4c52-91d7-4b0e-8a55-3c1d7e2b9f10"
"""Every R4 element that a Group may have, all five kinds of characteristic."""
TEAM_ID: Final = "a2d41c7e-5b38-4f6a-9c02-d81e6b7f3a94"
"""A team that holds `TEAM_RESPONSIBILITIES`."""
HIDDEN_TEAM_ID: Final = "b7c05d19-2e84-4a1f-8d36-f09a4c6e5b21"
"""A team that `sandbox-other` does not see; it holds `COLLECT_SPECIMENS_FROM_PATIENT`."""
NESTED_GROUP_ID: Final = "c93b6f08-7a15-4d2e-b4c9-1e8f0a5d7326"
"""A patient group whose members are groups."""
DEVICE_GROUP_ID: Final = "d0f82a63-4c97-4e5b-a1d8-6b3e9c0f7452"
"""A group of devices."""
MEDIUM_GROUP_ID: Final = "8c41e7d2-0b6f-4935-9e2a-7d5f1c3b8064"
"""1,000 members."""
LARGE_GROUP_ID: Final = "4e7b90c5-d236-4f81-b59d-0a2c8e6f1b73"
"""10,000 members."""

RESPONSIBILITIES: Final = (
    "COLLECT_SPECIMENS_FROM_PATIENT",
    "COMMUNICATE_DIAGNOSTIC_RESULTS_TO_PATIENT",
    "COORDINATE_REFERRALS_FOR_PATIENT",
    "PROCESS_REFILL_REQUESTS",
    "PROCESS_CHANGE_REQUESTS",
    "SCHEDULE_LAB_VISITS_FOR_PATIENT",
    "POPULATION_HEALTH_CAMPAIGN_OUTREACH",
    "COLLECT_PATIENT_PAYMENTS",
    "COMPLETE_OPEN_LAB_ORDERS",
    "REVIEW_ERA_POSTING_EXCEPTIONS",
    "REVIEW_COVERAGES",
)
TEAM_RESPONSIBILITIES: Final = ("PROCESS_REFILL_REQUESTS", "PROCESS_CHANGE_REQUESTS")
UNASSIGNED_RESPONSIBILITIES: Final = (
    "COLLECT_PATIENT_PAYMENTS",
    "REVIEW_ERA_POSTING_EXCEPTIONS",
    "REVIEW_COVERAGES",
)
