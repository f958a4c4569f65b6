// Relay: the artifacts of relay-compiler, run by relay-runtime.
//
//     node relay.test.mjs ADDRESS FOLDER-OF-ARTIFACTS

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import relay from 'relay-runtime';
import { TEST_GROUP, authorization, url } from '../operations.mjs';

const require = createRequire(`${process.argv[3]}/`);
const artifact = (name) => require(`./${name}.graphql.js`);

function connect(token = authorization) {
  const network = relay.Network.create(async ({ text }, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: token, 'content-type': 'application/json' },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  });
  return new relay.Environment({ network, store: new relay.Store(new relay.RecordSource()) });
}

const ask = (environment, name, variables) =>
  relay.fetchQuery(environment, artifact(name), variables).toPromise();

const rename = (environment, input) =>
  new Promise((onCompleted, onError) => {
    relay.commitMutation(environment, {
      mutation: artifact('appUpdateMutation'),
      variables: { input: { id: TEST_GROUP, ...input } },
      onCompleted: (data, errors) => (errors ? onError(errors) : onCompleted(data.updateGroup)),
      onError,
    });
  });

/** What a fragment shows of the answer that a query is given from the store. */
function shown(environment, name, variables, fragment, owner = (data) => data) {
  const request = relay.createOperationDescriptor(relay.getRequest(artifact(name)), variables);
  const reference = owner(environment.lookup(request.fragment).data);
  const selector = relay.getSingularSelector(artifact(fragment), reference);
  return environment.lookup(selector).data;
}

test('a group is read with the fragments of its parts', async () => {
  const environment = connect();
  const { group } = await ask(environment, 'appGroupQuery', { id: TEST_GROUP });
  assert.equal(group.name, 'Test Group');
  assert.equal(group.member[0].entity.resource.__typename, 'Patient');
  const variables = { id: TEST_GROUP };
  const part = shown(environment, 'appGroupQuery', variables, 'app_members', (d) => d.group);
  assert.equal(part.members.edges.length, 2);
});

test('pages become one list', async () => {
  const environment = connect();
  const variables = { first: 8, after: null, filter: { type: 'PRACTITIONER' } };
  const sizes = [];
  for (let more = true; more; ) {
    await ask(environment, 'appPageQuery', variables);
    const { groups } = shown(environment, 'appPageQuery', variables, 'app_list');
    sizes.push(groups.edges.length);
    more = groups.pageInfo.hasNextPage;
    variables.after = groups.pageInfo.endCursor;
  }
  assert.deepEqual(sizes, [8, 16, 20]);
});

test('a write shows wherever the group is in the store, by its id', async () => {
  const environment = connect();
  await ask(environment, 'appGroupQuery', { id: TEST_GROUP });
  assert.deepEqual((await rename(environment, { name: 'Kidney clinic' })).issues, []);
  assert.equal(environment.getStore().getSource().get(TEST_GROUP).name, 'Kidney clinic');
});

test('a conflict is data, with the group as others left it', async () => {
  const environment = connect();
  const { group } = await ask(environment, 'appGroupQuery', { id: TEST_GROUP });
  await rename(connect(), { name: 'By a colleague' });
  const late = await rename(environment, { name: 'Too late', ifVersion: group.version });
  assert.deepEqual(late.issues, [{ code: 'conflict', inputPath: ['ifVersion'] }]);
  assert.equal(late.group.name, 'By a colleague');
});

test('an error of a nullable field leaves the field empty', async () => {
  const { group } = await ask(connect('Bearer wrong'), 'appGroupQuery', { id: TEST_GROUP });
  assert.equal(group, null);
});

test('an error of a write has its message', async () => {
  const refused = rename(connect('Bearer sandbox-read'), { name: 'No' });
  await assert.rejects(refused, ([error]) => /The upstream does not allow this to the caller\./.test(error.message));
});
