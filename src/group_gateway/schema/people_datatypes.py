"""FHIR R4's data types of people and things, complete, because other subgraphs share them."""

from typing import ClassVar

import strawberry
import strawberry.federation

from group_gateway.schema.datatypes import Period
from group_gateway.schema.elements import JsonObject, element, texts


@strawberry.federation.type(shareable=True, description="A name of a person (FHIR R4 HumanName).")
class HumanName(JsonObject):
    """A FHIR R4 HumanName."""

    bare: ClassVar[str | None] = "text"

    use: str | None = element("usual, official, temp, nickname, anonymous, old or maiden.")
    text: str | None = element("The whole name, as it is to be shown.")
    family: str | None = element("The family name.")
    given: list[str] = texts("given", "Given names, middle names included.")
    prefix: list[str] = texts("prefix", "Parts before the name.")
    suffix: list[str] = texts("suffix", "Parts after the name.")
    period: Period | None = element("When it is or was in use.")


@strawberry.federation.type(
    shareable=True, description="A way to reach somebody (FHIR R4 ContactPoint)."
)
class ContactPoint(JsonObject):
    """A FHIR R4 ContactPoint."""

    system: str | None = element("phone, fax, email, pager, url, sms or other.")
    value: str | None = element("The number or address.")
    use: str | None = element("home, work, temp, old or mobile.")
    rank: int | None = element("The order of preference; 1 is the highest.")
    period: Period | None = element("When it is or was in use.")


@strawberry.federation.type(
    shareable=True, description="Content, or where it is (FHIR R4 Attachment)."
)
class Attachment(JsonObject):
    """A FHIR R4 Attachment."""

    content_type: str | None = element("Its media type.")
    language: str | None = element("Its language (BCP 47).")
    data: str | None = element("The content, in base64.")
    url: str | None = element("Where it can be found.")
    size: int | None = element("How many bytes it has.")
    hash: str | None = element("Its SHA-1, in base64.")
    title: str | None = element("What to show in its place.")
    creation: str | None = element("When it was made, a FHIR dateTime.")


@strawberry.federation.type(
    shareable=True, description="A name of a device (FHIR R4 Device.deviceName)."
)
class DeviceName(JsonObject):
    """A FHIR R4 Device.deviceName."""

    bare: ClassVar[str | None] = "name"

    name: str | None = element("The name.")
    type: str | None = element("udi-label-name, user-friendly-name, patient-reported-name …")
