export interface StreamEvent {
  id: string | undefined;
  event: string;
  data: string;
}

/** Takes server-sent events from the text of a stream, as it comes. */
export class EventParser {
  private rest = '';

  /** @returns the events that are complete now. */
  push(text: string): StreamEvent[] {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        const at = line.indexOf(': ');
        if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
      }
      const data = fields.get('data');
      if (data === undefined) return [];
      return [{ id: fields.get('id'), event: fields.get('event') ?? 'message', data }];
    });
  }
}
