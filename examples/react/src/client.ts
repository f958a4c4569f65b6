import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';

export function connect(uri: string, token: string) {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: uri.replace(/^http/, 'ws'),
    connectionParams: () => ({ authorization }), // asked again when a token has expired
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
  return new ApolloClient({ link, cache });
}
