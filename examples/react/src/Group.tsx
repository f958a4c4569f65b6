import { useMutation } from '@apollo/client/react';
import { useState } from 'react';
import type { GroupsQuery } from './gql/graphql';
import { Issues } from './Issues';
import { Members } from './Members';
import { RENAME } from './operations';

type Row = NonNullable<GroupsQuery['groups']>['edges'][number]['node'];

export function Group(props: { group: Row; isOpen: boolean; onOpen: () => void }) {
  const { id, name, quantity, version } = props.group;
  // What somebody types, and the version that they saw: events change the row and not this.
  const [draft, setDraft] = useState<{ name: string; version: string }>();
  const [rename, { data, error }] = useMutation(RENAME);

  async function save(ifVersion: string) {
    if (!draft) return;
    const input = { id, name: draft.name, ifVersion };
    const done = await rename({ variables: { input } }).catch(() => undefined);
    const issues = done?.data?.updateGroup?.issues;
    if (issues && !issues.some(({ severity }) => severity === 'ERROR')) setDraft(undefined);
  }

  return (
    <li id={`group-${id}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save(draft?.version ?? version);
        }}
      >
        <input
          aria-label="Name"
          value={draft?.name ?? name ?? ''}
          onChange={(event) =>
            setDraft({ name: event.target.value, version: draft?.version ?? version })
          }
        />
        {draft && <button>Save</button>}
        {draft && draft.version !== version && (
          <span role="status">
            Somebody changed it meanwhile: “{name}”.
            <button type="button" onClick={() => save(version)}>
              Save mine
            </button>
            <button type="button" onClick={() => setDraft(undefined)}>
              Take theirs
            </button>
          </span>
        )}
        {draft && <Issues of={data?.updateGroup} error={error} />}
      </form>
      <button type="button" aria-expanded={props.isOpen} onClick={props.onOpen}>
        {quantity ?? 0} members
      </button>
      {props.isOpen && <Members id={id} version={version} />}
    </li>
  );
}
