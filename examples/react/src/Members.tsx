import { useMutation, useQuery } from '@apollo/client/react';
import { useEffect } from 'react';
import type { MembersQuery } from './gql/graphql';
import { Issues } from './Issues';
import { ADD, MEMBERS, REMOVE } from './operations';

type Members = NonNullable<MembersQuery['group']>;
type Member = Members['member'][number];

const without = (members: Member[], gone: string) =>
  members.filter(({ entity }) => entity.reference !== gone);

const joining = (reference: string): Member => ({
  __typename: 'Member',
  entity: { __typename: 'ResolvableReference', reference, display: null },
});

/** The group as it will be, if the server agrees: shown until it answers. */
const expected = (group: Members, member: Member[]) => ({
  __typename: 'GroupPayload' as const,
  group: { ...group, member, quantity: member.length },
  issues: [],
});

export function Members({ id, version }: { id: string; version: string }) {
  const { data, refetch } = useQuery(MEMBERS, { variables: { id } });
  const [add, added] = useMutation(ADD);
  const [remove, removed] = useMutation(REMOVE);
  const group = data?.group;

  const isOutdated = group && group.version !== version;
  useEffect(() => {
    if (isOutdated) refetch();
  }, [isOutdated, refetch]);

  if (!group) return <p>Loading…</p>;
  return (
    <>
      <ul>
        {group.member.map(({ entity: { reference, display } }) => (
          <li key={reference}>
            {display ?? reference}
            {reference && (
              <button
                type="button"
                aria-label={`Remove ${reference}`}
                onClick={() =>
                  remove({
                    variables: { input: { groupId: id, members: [{ reference }] } },
                    optimisticResponse: {
                      removeGroupMembers: expected(group, without(group.member, reference)),
                    },
                  }).catch(() => undefined)
                }
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const reference = String(new FormData(event.currentTarget).get('reference'));
          event.currentTarget.reset();
          add({
            variables: { input: { groupId: id, members: [{ reference }] } },
            optimisticResponse: {
              addGroupMembers: expected(group, [...group.member, joining(reference)]),
            },
          }).catch(() => undefined);
        }}
      >
        <input name="reference" aria-label="Member" placeholder="Patient/…" />
        <button>Add</button>
      </form>
      <Issues of={added.data?.addGroupMembers} error={added.error} />
      <Issues of={removed.data?.removeGroupMembers} error={removed.error} />
    </>
  );
}
