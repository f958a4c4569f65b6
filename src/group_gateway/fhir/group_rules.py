"""Codes of a Group, and the types of resources that it refers to (FHIR R4; upstream facts)."""

RESPONSIBILITY = "responsibility"
"""`characteristic.code.text` of a team's responsibility (upstream fact)."""

RESPONSIBILITIES = (
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
"""The responsibilities that the upstream knows."""

MEMBER_TYPES_BY_GROUP_TYPE = {
    "person": ("Patient",),
    "animal": ("Patient",),
    "practitioner": ("Practitioner", "PractitionerRole"),
    "device": ("Device",),
    "medication": ("Medication",),
    "substance": ("Substance",),
}
"""Resource types that may be members, by Group.type; a Group may always be one."""
MEMBER_TYPES = (
    *dict.fromkeys(type for types in MEMBER_TYPES_BY_GROUP_TYPE.values() for type in types),
    "Group",
)
"""Resource types that may be members of any group."""
MANAGING_TYPES = ("Organization", "RelatedPerson", "Practitioner", "PractitionerRole")
"""Resource types that may manage a group."""
RELATED_TYPES = tuple(dict.fromkeys(("Group", *MEMBER_TYPES, *MANAGING_TYPES)))
"""Groups, and all types of resources that a group refers to."""
