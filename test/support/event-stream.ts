/** Reads a stream of Server-Sent Events the way a browser does, without a browser's library. */

export interface StreamEvent {
  id: string;
  name: string;
  data: Record<string, unknown>;
}

const frame = (text: string): StreamEvent | undefined => {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name) fields.set(name, `${fields.has(name) ? `${fields.get(name)}\n` : ''}${value}`);
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return {
    id: fields.get('id') ?? '',
    name: fields.get('event') ?? 'message',
    data: JSON.parse(data),
  };
};

/** The events of one connection, as they arrive. */
export async function* connection(url: string, lastId: string): AsyncGenerator<StreamEvent> {
  const response = await fetch(url, { headers: lastId ? { 'last-event-id': lastId } : {} });
  if (response.status === 204 || !response.body) return;
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const frames = (rest + text).split('\n\n');
    rest = frames.pop() ?? '';
    yield* frames.map(frame).filter((event) => event !== undefined);
  }
}

/**
 * Every event of a stream from the one after `lastId`, over as many connections as the service ends,
 * until it answers that nothing more will come (204).
 */
export async function* eventsOf(url: string, lastId = ''): AsyncGenerator<StreamEvent> {
  for (let last = lastId; ; ) {
    let any = false;
    for await (const event of connection(url, last)) {
      any = true;
      last = event.id;
      yield event;
    }
    if (!any) return;
  }
}
