// The fragments and operations of a small Relay app, for relay-compiler; its artifacts are run.

import { graphql } from 'relay-runtime';

export const card = graphql`
  fragment app_card on Group {
    id
    name
    version
    member(count: 2) {
      entity {
        reference
        resource {
          __typename
          ... on Patient {
            id
          }
        }
      }
    }
  }
`;

export const list = graphql`
  fragment app_list on Query
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 8 }
    after: { type: "String" }
    filter: { type: "GroupFilter" }
  )
  @refetchable(queryName: "appPageQuery") {
    groups(first: $first, after: $after, filter: $filter) @connection(key: "app_groups") {
      edges {
        node {
          id
          ...app_card
        }
      }
    }
  }
`;

export const members = graphql`
  fragment app_members on Group
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "appMembersQuery") {
    members(first: $first, after: $after) @connection(key: "app_members") {
      edges {
        node {
          entity {
            reference
          }
        }
      }
    }
  }
`;

export const patientGroups = graphql`
  fragment app_patientGroups on Patient
  @argumentDefinitions(first: { type: "Int", defaultValue: 1 }, after: { type: "String" })
  @refetchable(queryName: "appPatientGroupsQuery") {
    groups(first: $first, after: $after) @connection(key: "appPatient_groups") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

export const practitionerGroups = graphql`
  fragment app_practitionerGroups on Practitioner
  @argumentDefinitions(first: { type: "Int", defaultValue: 1 }, after: { type: "String" })
  @refetchable(queryName: "appPractitionerGroupsQuery") {
    groups(first: $first, after: $after, type: PRACTITIONER)
      @connection(key: "appPractitioner_groups") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

export const people = graphql`
  query appPeopleQuery($id: ID!) {
    group(id: $id) {
      member(count: 1) {
        entity {
          resource {
            ... on Patient {
              id
              ...app_patientGroups @alias(as: "patient")
            }
            ... on Practitioner {
              id
              ...app_practitionerGroups @alias(as: "practitioner")
            }
          }
        }
      }
    }
  }
`;

export const read = graphql`
  query appGroupQuery($id: ID!) {
    group(id: $id) {
      ...app_card @relay(mask: false)
      ...app_members
    }
  }
`;

export const update = graphql`
  mutation appUpdateMutation($input: UpdateGroupInput!) {
    updateGroup(input: $input) {
      group {
        ...app_card @relay(mask: false)
      }
      issues {
        code
        inputPath
      }
    }
  }
`;
