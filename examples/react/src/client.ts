import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';

const pause = (seconds: number) =>
  new Promise<void>((resume) => setTimeout(resume, 1000 * seconds));

export function connect(uri: string, token: string) {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: uri.replace(/^http/, 'ws'),
    connectionParams: () => ({ authorization }), // asked again when a token has expired
    shouldRetry: () => true, // by default it gives up when the gateway can't be reached
    retryAttempts: Infinity,
    retryWait: (retries) => pause(Math.min(2 ** retries, 30) + 3 * Math.random()),
    on: {
      connected: async (_socket, _payload, isRetry) => {
        if (!isRetry) return;
        await pause(1 + Math.random()); // the subscriptions begin first
        await client.refetchQueries({ include: 'active' }); // what changed during the break
      },
    },
  });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri, headers: { authorization } }),
  );
  const cache = new InMemoryCache({
    typePolicies: {
      Query: { fields: { groups: relayStylePagination(['filter']) } },
      Group: { fields: { member: { merge: false } } },
    },
  });
  const client = new ApolloClient({ link, cache });
  return client;
}
