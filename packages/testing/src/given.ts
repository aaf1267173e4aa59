/** The rules of one kind of thing, as a decider has them. */
export interface Rules<State, Command, Event> {
  /** State before the first event. */
  initial: State;
  decide(command: Command, state: State): Event[];
  evolve(state: State, event: Event): State;
}

/** The assertions of a test that a story needs. */
interface Assertions {
  strictSame(found: unknown, wanted: unknown, message: string): unknown;
  throws(action: () => unknown, wanted: Refusal, message: string): unknown;
}

/** What a test expects of an error: a pattern of its text, or some of its properties. */
export type Refusal =
  | RegExp
  | { code: string; field?: string | RegExp; message?: string | RegExp }
  | { message: string | RegExp };

/** What a command leads to. It is decided when the test says what it expects. */
export interface Decision<Event> {
  /** The command leads to these events. (A property `then` would make it a promise.) */
  gives(t: Assertions, wanted: unknown, message?: string): void;
  /** The command is refused with such an error. */
  refused(t: Assertions, wanted: Refusal, message?: string): void;
  /** The events; throws what refuses the command. */
  events(): Event[];
}

/** @param words what is compared of the events; default: the events */
export function decisionOf<Event>(
  decide: () => Event[],
  words: (events: Event[]) => unknown = (events) => events,
): Decision<Event> {
  return {
    gives: (t, wanted, message = 'the command leads to these events') => {
      t.strictSame(words(decide()), wanted, message);
    },
    refused: (t, wanted, message = 'the command is refused') => {
      t.throws(decide, wanted, message);
    },
    events: decide,
  };
}

/**
 * Tests of a decider that read like a story:
 * `const given = storyOf(poolDecider); given(created).when({ do: 'delete', id: 5 }).gives(t, [deleted])`.
 * @param words what is compared of the events; default: the events
 */
export function storyOf<State, Command, Event>(
  rules: Rules<State, Command, Event>,
  words?: (events: Event[]) => unknown,
) {
  return (...history: Event[]) => ({
    when: (command: Command): Decision<Event> =>
      decisionOf(() => {
        const state = history.reduce((state, event) => rules.evolve(state, event), rules.initial);
        return rules.decide(command, state);
      }, words),
  });
}
