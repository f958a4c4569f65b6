// A React app on Relay: the members of a group, and the groups of the people in two groups, in pages.
// Its address has the gateway's in the query, as `url`.

import { Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { RelayEnvironmentProvider, useLazyLoadQuery, usePaginationFragment } from 'react-relay';
import { Environment, Network, RecordSource, Store } from 'relay-runtime';
import groupQuery from './__generated__/appGroupQuery.graphql.js';
import peopleQuery from './__generated__/appPeopleQuery.graphql.js';
import membersFragment from './__generated__/app_members.graphql.js';
import patientFragment from './__generated__/app_patientGroups.graphql.js';
import practitionerFragment from './__generated__/app_practitionerGroups.graphql.js';

const url = new URLSearchParams(location.search).get('url');

async function ask({ text }, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: 'Bearer sandbox', 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  });
  return response.json();
}

// A FHIR id is unique by type only: without this, Patient/1 and Practitioner/1 would be one record.
const getDataID = ({ id }, typename) => id && `${typename}:${id}`;

const environment = new Environment({
  network: Network.create(ask),
  store: new Store(new RecordSource()),
  getDataID,
});

function List({ name, fragment, owner, of, show }) {
  const { data, loadNext, hasNext } = usePaginationFragment(fragment, owner);
  return (
    <section id={name}>
      <ul>
        {data[of].edges.map(({ node }, index) => (
          <li key={index}>{show(node)}</li>
        ))}
      </ul>
      {hasNext && <button onClick={() => loadNext(2)}>More</button>}
    </section>
  );
}

function Page({ group, team }) {
  const members = useLazyLoadQuery(groupQuery, { id: group });
  const [patient, practitioner] = [group, team].map(
    (id) => useLazyLoadQuery(peopleQuery, { id }).group.member[0].entity.resource,
  );
  return (
    <>
      <List
        name="members"
        fragment={membersFragment}
        owner={members.group}
        of="members"
        show={(node) => node.entity.reference}
      />
      <List
        name="patient"
        fragment={patientFragment}
        owner={patient.patient}
        of="groups"
        show={(node) => node.name}
      />
      <List
        name="practitioner"
        fragment={practitionerFragment}
        owner={practitioner.practitioner}
        of="groups"
        show={(node) => node.name}
      />
    </>
  );
}

const { group, team } = Object.fromEntries(new URLSearchParams(location.search));
createRoot(document.getElementById('root')).render(
  <RelayEnvironmentProvider environment={environment}>
    <Suspense fallback="Loading…">
      <Page group={group} team={team} />
    </Suspense>
  </RelayEnvironmentProvider>,
);
window.records = () => environment.getStore().getSource().toJSON();
