"""Bugs to plant, to see whether the fuzzer of servers finds them: each takes a fix out again."""

from differential.bugs import Bug

BUGS = (
    Bug(
        "of a page link only the query is kept",
        "fhir/page_link.py",
        'path = "/".join(below)',
        "path = GROUP",
    ),
    Bug(
        "a page that holds fewer groups than were requested is the last one on any server",
        "groups/reading/capabilities/paging_support.py",
        "return count == self.most_shown and not self.links.worth_trying",
        "return False",
    ),
    Bug(
        "a search result that is tagged as a part counts as the whole group",
        "groups/reading/capabilities/partial_results.py",
        "subsetted = [group.id for group in groups if group.is_subsetted]",
        "subsetted: list[str] = []",
    ),
    Bug(
        "a search result that lacks elements without a word counts as the whole group",
        "groups/reading/capabilities/partial_results.py",
        "_lacks(ours.get(name), value)",
        "not _lacks",
    ),
    Bug(
        "a read that is tagged as a part counts as the whole group",
        "fhir/group_resource.py",
        "etag=etag, date=date, is_subsetted=is_subsetted)",
        "etag=etag, date=date, is_subsetted=False)",
    ),
    Bug(
        "every server without versions computes quantity and display",
        "groups/writing/read_modify_write.py",
        "computes = self.client.is_canvas and not has_version(base_version.elements)",
        "computes = not has_version(base_version.elements)",
    ),
    Bug(
        "`actual` is added to a group of R5's shape",
        "groups/writing/drafts.py",
        'body.setdefault("resourceType", "Group")',
        'body.setdefault("resourceType", "Group")\n    body.setdefault("actual", True)',
    ),
    Bug(
        "`_valueX` outlives the value that took its place",
        "groups/writing/merging.py",
        "elif base not in inside and not (chooses and _CHOICE.fullmatch(key)):",
        'elif base not in inside or key.startswith("_"):',
    ),
    Bug(
        "a number that an update does not name loses its digits",
        "groups/writing/drafts.py",
        "float_hook=verbatim_decimal",
        "float_hook=float",
    ),
    Bug(
        "an object in the place of a list has no entries",
        "groups/writing/member_index.py",
        "    if isinstance(value, dict):\n        return [value]\n",
        "",
    ),
    Bug(
        "another server's patient is taken for one's own",
        "fhir/literal_reference.py",
        "    if is_below(reference.base, base_url):\n        return str(reference)\n",
        "    return str(reference)\n",
        is_rare=True,
    ),
    Bug(
        "a group that stands twice on a page is given twice",
        "fhir/bundle.py",
        "elif group.id in seen:",
        "elif False:",
        is_rare=True,
    ),
    Bug(
        "an entry that is no group breaks its page",
        "fhir/bundle.py",
        "            broken += 1\n",
        '            raise NotASearchset("a broken entry")\n',
    ),
    Bug(
        "`meta.versionId` without an `ETag` guards nothing",
        "groups/writing/base_version.py",
        "if sent is None or (coded is not None and coded[1] == version):",
        "if False:",
    ),
    Bug(
        "nobody looks whether another's change was overwritten",
        "groups/writing/guard_check.py",
        "elif await self._has_overwritten(base, written, stored, sent):",
        "elif False:",
        is_rare=True,
    ),
)
