import { graphql } from './gql';

export const GROUPS = graphql(`
  query Groups($filter: GroupFilter, $after: String) {
    groups(filter: $filter, first: 60, after: $after) {
      edges {
        node {
          id
          name
          quantity
          version
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const MEMBERS = graphql(`
  query Members($id: ID!) {
    group(id: $id) {
      id
      version
      quantity
      member {
        entity {
          reference
          display
        }
      }
    }
  }
`);

export const CHANGES = graphql(`
  subscription Changes($filter: GroupFilter) {
    groupsChanged(filter: $filter) {
      id
      group {
        id
        name
        quantity
        version
      }
    }
  }
`);

export const RENAME = graphql(`
  mutation Rename($input: UpdateGroupInput!) {
    updateGroup(input: $input) {
      group {
        id
        name
        quantity
        version
      }
      issues {
        severity
        code
        details {
          text
        }
      }
    }
  }
`);

export const ADD = graphql(`
  mutation Add($input: AddGroupMembersInput!) {
    addGroupMembers(input: $input) {
      group {
        id
        version
        quantity
        member {
          entity {
            reference
            display
          }
        }
      }
      issues {
        severity
        code
        details {
          text
        }
      }
    }
  }
`);

export const REMOVE = graphql(`
  mutation Remove($input: RemoveGroupMembersInput!) {
    removeGroupMembers(input: $input) {
      group {
        id
        version
        quantity
        member {
          entity {
            reference
            display
          }
        }
      }
      issues {
        severity
        code
        details {
          text
        }
      }
    }
  }
`);
