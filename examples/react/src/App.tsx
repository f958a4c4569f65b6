import { useQuery, useSubscription } from '@apollo/client/react';
import { useDeferredValue, useState } from 'react';
import { Group } from './Group';
import { CHANGES, GROUPS } from './operations';

export function App() {
  const [search, setSearch] = useState('');
  const [open, setOpen] = useState<string>();
  const contains = useDeferredValue(search.trim());
  const filter = contains ? { name: { contains } } : null;
  const { data, error, fetchMore, previousData, refetch } = useQuery(GROUPS, {
    variables: { filter },
  });

  const shown = (data ?? previousData)?.groups;
  const ids = new Set(shown?.edges.map(({ node }) => node.id));
  useSubscription(CHANGES, {
    variables: { filter },
    onData: ({ client, data: { data } }) => {
      const change = data?.groupsChanged;
      if (!change) return;
      if (!change.group) client.cache.evict({ id: `Group:${change.id}` });
      else if (!ids.has(change.id)) refetch(); // the cache shows changes of those that it has
    },
  });

  return (
    <main>
      <input
        type="search"
        aria-label="Search"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {error && <p role="alert">{error.message}</p>}
      {!shown && !error && <p>Loading…</p>}
      <ul>
        {shown?.edges.map(({ node }) => (
          <Group
            key={node.id}
            group={node}
            isOpen={open === node.id}
            onOpen={() => setOpen(open === node.id ? undefined : node.id)}
          />
        ))}
      </ul>
      {shown?.pageInfo.hasNextPage && (
        <button onClick={() => fetchMore({ variables: { after: shown.pageInfo.endCursor } })}>
          More
        </button>
      )}
    </main>
  );
}
