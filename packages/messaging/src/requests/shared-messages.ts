import { ServiceError } from '@rigel/contracts';
import { MAX_REQUESTS } from '../wire/limits.js';

/** A request that waits for the end of the turn, or for its answer. */
interface Member<Answer> {
  request: string;
  answered: (answer: Answer) => void;
  failed: (error: unknown) => void;
}

/** What gathers for one subject. */
interface Gathering<Answer> {
  members: Member<Answer>[];
  timeoutMs: number;
}

/**
 * Requests to one subject that leave in the same turn of the event loop, as one message: an array of them, answered by an
 * array of the answers in the same order. A group commit answers a hundred reports at once, and the next hundred leave
 * together; a message for each is most of what such a report costs the caller, NATS and the scheduler.
 */
export class SharedMessages<Answer extends { content: unknown }> {
  private readonly gathering = new Map<string, Gathering<Answer>>();

  constructor(
    private readonly wire: {
      /** Sends a message and waits for its answer, whose content is parsed. */
      send(subject: string, message: string, timeoutMs: number): Promise<Answer>;
      endOfTurn(): Promise<void>;
      /** Bytes that a message has room for. */
      room(): number;
    },
  ) {}

  /**
   * Sends a request, with others. What becomes of the message becomes of all requests in it.
   * @param request in JSON
   * @param timeoutMs how long to wait for the answer; the longest of those in a message counts for all
   * @returns its own part of the answer
   * @throws as the wire's `send`
   */
  send(subject: string, request: string, timeoutMs: number): Promise<Answer> {
    return new Promise((answered, failed) => {
      const member = { request, answered, failed };
      const known = this.gathering.get(subject);
      if (known) {
        known.members.push(member);
        known.timeoutMs = Math.max(known.timeoutMs, timeoutMs);
        return;
      }
      const gathering = { members: [member], timeoutMs };
      this.gathering.set(subject, gathering);
      void this.wire.endOfTurn().then(() => {
        this.gathering.delete(subject);
        for (const members of this.fitting(gathering.members)) {
          void this.sendMessage(subject, members, gathering.timeoutMs);
        }
      });
    });
  }

  /** In as few messages as they fit into. */
  private fitting(members: Member<Answer>[]): Member<Answer>[][] {
    const messages: Member<Answer>[][] = [];
    const room = this.wire.room();
    let bytes = 0;
    for (const member of members) {
      // With the comma before it, or the bracket.
      const length = Buffer.byteLength(member.request) + 1;
      bytes += length;
      const message = messages.at(-1);
      if (message && message.length < MAX_REQUESTS && bytes < room) message.push(member);
      else {
        messages.push([member]);
        bytes = length;
      }
    }
    return messages;
  }

  private async sendMessage(subject: string, members: Member<Answer>[], timeoutMs: number): Promise<void> {
    try {
      const message = `[${members.map(({ request }) => request).join(',')}]`;
      const answer = await this.wire.send(subject, message, timeoutMs);
      const replies = answer.content;
      // One answer is a refusal of the whole message.
      if (!Array.isArray(replies)) for (const { answered } of members) answered(answer);
      else if (replies.length !== members.length)
        throw new ServiceError(
          'unavailable',
          `${subject} did not answer ${members.length} requests one by one`,
        );
      else
        for (const [index, { answered }] of members.entries())
          answered({ ...answer, content: replies[index] });
    } catch (error) {
      for (const { failed } of members) failed(error);
    }
  }
}
