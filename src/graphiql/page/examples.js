// The tabs that the page opens with; their operations are checked against the schema by a test.
import addMember from '../examples/add-member.graphql';
import addMemberVariables from '../examples/add-member.json';
import createGroup from '../examples/create-group.graphql';
import createGroupVariables from '../examples/create-group.json';
import groupsOfMember from '../examples/fhir/groups-of-member.graphql';
import groupsOfMemberVariables from '../examples/fhir/groups-of-member.json';
import pageOfGroups from '../examples/fhir/page-of-groups.graphql';
import pageOfGroupsVariables from '../examples/fhir/page-of-groups.json';
import readTeam from '../examples/fhir/read-team.graphql';
import readTeamVariables from '../examples/fhir/read-team.json';
import saveGroup from '../examples/fhir/save-group.graphql';
import saveGroupVariables from '../examples/fhir/save-group.json';
import groupsOfPatient from '../examples/groups-of-patient.graphql';
import groupsOfPatientVariables from '../examples/groups-of-patient.json';
import pageThroughGroups from '../examples/page-through-groups.graphql';
import pageThroughGroupsVariables from '../examples/page-through-groups.json';
import readGroup from '../examples/read-group.graphql';
import readGroupVariables from '../examples/read-group.json';
import watchGroup from '../examples/watch-group.graphql';
import watchGroupVariables from '../examples/watch-group.json';
import { config } from './config.js';
import { isFhir } from './interfaces.js';

const OF_FHIR = [
  [readTeam, readTeamVariables],
  [pageOfGroups, pageOfGroupsVariables],
  [groupsOfMember, groupsOfMemberVariables],
  [saveGroup, saveGroupVariables],
];

const OF_FEDERATED = [
  [readGroup, readGroupVariables],
  [pageThroughGroups, pageThroughGroupsVariables],
  [groupsOfPatient, groupsOfPatientVariables],
  [createGroup, createGroupVariables],
  [addMember, addMemberVariables],
  ...(config.subscriptions ? [[watchGroup, watchGroupVariables]] : []),
];

export const EXAMPLES = (isFhir ? OF_FHIR : OF_FEDERATED).map(([query, variables]) => ({
  query: query.trim(),
  variables: JSON.stringify(variables, null, 2),
}));
