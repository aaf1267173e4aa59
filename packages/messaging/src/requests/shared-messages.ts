import { ServiceError } from '@rigel/contracts';
import { MAX_REQUESTS } from '../wire/limits.js';

/** A request that waits for the end of the turn, or for its answer. */
interface Member<Answer> {
  request: string;
  answered: (answer: Answer) => void;
  failed: (error: unknown) => void;
}

/** The requests that leave for one subject at the end of the turn. */
interface Gathering<Answer> {
  members: Member<Answer>[];
  timeoutMs: number;
}

/**
 * Sends the requests to one subject that arise in one turn of the event loop as one message: an array of requests. The
 * answer is an array of the answers, in the same order. A group commit answers a hundred reports at once, so the next
 * hundred leave together. A message for each would be most of the cost of a report for the caller, NATS and the
 * scheduler.
 */
export class SharedMessages<Answer extends { content: unknown }> {
  private readonly gathering = new Map<string, Gathering<Answer>>();

  constructor(
    private readonly wire: {
      /** Sends a message and waits for its answer. The content of the answer is parsed. */
      send(subject: string, message: string, timeoutMs: number): Promise<Answer>;
      endOfTurn(): Promise<void>;
      /** Bytes of requests that fit into a message. */
      room(): number;
    },
  ) {}

  /**
   * Sends a request, together with others. If the message fails, all of its requests fail.
   * @param request in JSON.
   * @param timeoutMs how long to wait for the answer, in ms. The longest of all requests in a message counts for all.
   * @returns the request's part of the answer.
   * @throws as the wire's `send`.
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

  /** Divides the requests into as few messages as possible. */
  private fitting(members: Member<Answer>[]): Member<Answer>[][] {
    const messages: Member<Answer>[][] = [];
    const room = this.wire.room();
    let bytes = 0;
    for (const member of members) {
      // With the comma or the bracket before it.
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
      // An answer that is no array refuses the whole message.
      if (!Array.isArray(replies)) for (const { answered } of members) answered(answer);
      else if (replies.length !== members.length)
        throw new ServiceError(
          'unavailable',
          `${subject} answered ${replies.length} of ${members.length} requests of one message`,
        );
      else
        for (const [index, { answered }] of members.entries())
          answered({ ...answer, content: replies[index] });
    } catch (error) {
      for (const { failed } of members) failed(error);
    }
  }
}
