// graphql-ws and graphql-sse at a gateway that has no room: they come back, without being told to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient as createEventsClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import * as app from './operations.mjs';

const query = `subscription { groupChanged(id: "${app.TEST_GROUP}", sinceVersion: "long ago") { id } }`;
const url = app.url.replace(/^http/, 'ws');
const authorization = app.authorization;
const pause = () => new Promise((resume) => setTimeout(resume, 50));
const patient = { retryAttempts: Infinity };

const overSocket = (on) =>
  createSocketClient({ url, connectionParams: { authorization }, retryWait: pause, on, ...patient });

const overEvents = (on) =>
  createEventsClient({ url: app.url, headers: { authorization }, retry: pause, on, ...patient });

for (const [way, connect] of [['graphql-ws', overSocket], ['graphql-sse', overEvents]]) {
  test(`${way} waits for room`, async () => {
    const first = connect();
    const held = first.iterate({ query });
    assert.equal((await held.next()).value.data.groupChanged.id, app.TEST_GROUP);
    let attempts = 0;
    const codes = [];
    const second = connect({
      connecting: async () => {
        if (++attempts === 3) await first.dispose();
      },
      closed: (event) => codes.push(event.code),
    });
    const waiting = second.iterate({ query });
    assert.equal((await waiting.next()).value.data.groupChanged.id, app.TEST_GROUP);
    assert.ok(attempts >= 3);
    assert.ok(codes.every((code) => code === 1013));
    await waiting.return();
    await second.dispose();
  });
}
