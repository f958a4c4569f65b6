"""Codes and element names for writes and views of a Group (FHIR R4; upstream facts)."""

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

MEMBER_TYPES = {
    "person": ("Patient",),
    "animal": ("Patient",),
    "practitioner": ("Practitioner", "PractitionerRole"),
    "device": ("Device",),
    "medication": ("Medication",),
    "substance": ("Substance",),
}
"""Resource types that may be members, by Group.type (FHIR R4); a Group may always be one."""
