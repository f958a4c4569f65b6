// What the gateway says to the page: `token` to begin with, whether there are `subscriptions`, and
// the address of HL7's interface, `fhir`, if it is on.
export const config = JSON.parse(document.getElementById('config').textContent);
