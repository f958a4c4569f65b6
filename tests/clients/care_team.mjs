// docs/care-team.md as a page uses it; its blocks stand before this one, in one module.

import assert from 'node:assert/strict';

const until = async (holds) => {
  while (!holds()) await new Promise((resume) => setTimeout(resume, 10));
};

const all = await teams(filterFor(''), null);
assert.equal(all.errors, undefined);
assert.equal(all.groups.nodes.length, 10);
assert.ok(all.groups.pageInfo.hasNextPage);
const next = await teams(filterFor(''), all.groups.pageInfo.endCursor);
const folded = [...all.groups.nodes, ...next.groups.nodes].map((team) => team.name.toLowerCase());
assert.deepEqual(folded, [...folded].sort());
assert.ok(new Set([...all.groups.nodes, ...next.groups.nodes].map((team) => team.id)).size > 10);

const word = all.groups.nodes[3].name.slice(1).toUpperCase();
const shown = [];
const type = searchBox((found) => shown.push(found), 20);
for (let length = 1; length <= word.length; length++) type(word.slice(0, length));
await until(() => shown.length);
assert.ok(shown.at(-1).groups.nodes.some((team) => team.name === all.groups.nodes[3].name));
assert.equal(shown.length, 1);

const [team] = shown[0].groups.nodes;
const stop = new AbortController();
const told = [];
const following = follow(filterFor(''), (event) => told.push(event), stop.signal).catch(() => null);
let version = team.version;
for (let number = 1; !told.length; number++) {
  const input = { id: team.id, name: `Renamed ${number}`, ifVersion: version };
  const { updateGroup } = (await ask(RENAME, { input })).data;
  assert.deepEqual(updateGroup.issues, []);
  version = updateGroup.group.version;
  await new Promise((resume) => setTimeout(resume, 50));
}
const change = told[0].data.groupsChanged;
assert.equal(change.id, team.id);
const list = merged(all.groups.nodes, change);
assert.ok(list.some((one) => one.name.startsWith('Renamed')));
assert.ok(!merged(list, { id: team.id, group: null }).some((one) => one.id === team.id));

const stale = (await ask(RENAME, { input: { id: team.id, name: 'x', ifVersion: team.version } })).data;
assert.equal(stale.updateGroup.issues[0].code, 'conflict');

const { group } = (await ask(TEAM, { id: team.id })).data;
const names = group.members.nodes.map((member) => nameOf(member.entity));
assert.ok(names.length && names.every((name) => /^\p{L}+ \p{L}+$/u.test(name)), names.join());
assert.equal(nameOf({ reference: 'Patient/1', display: 'Ada', resource: null }), 'Ada');
assert.equal(nameOf({ reference: 'Device/1', resource: { deviceName: [{ name: 'Cuff' }] } }), 'Cuff');
assert.equal(nameOf({ reference: 'Patient/1' }), 'Patient/1');

const removed = (await ask(REMOVE, { input: { id: team.id } })).data.deleteGroup;
assert.equal(removed.issues[0].code, 'not-supported');
stop.abort();
await following;
