// Subscriptions as server-sent events, in the shape of the WebSocket client that GraphiQL knows.
export function eventsClient(url, fetch) {
  return {
    subscribe(operation, sink) {
      const control = new AbortController();
      listen(url, fetch, operation, sink, control.signal).then(
        () => sink.complete(),
        (error) => control.signal.aborted || sink.error(error),
      );
      return () => control.abort();
    },
  };
}

async function listen(url, fetch, operation, sink, signal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify(operation),
    signal,
  });
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    sink.next(await response.json()); // a refusal
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      const data = /^event: next\ndata: (.*)$/.exec(event);
      if (data) sink.next(JSON.parse(data[1]));
    }
  }
}
