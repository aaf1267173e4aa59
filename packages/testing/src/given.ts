/** The rules of one kind of thing, as a decider has them. */
export interface Rules<State, Command, Event> {
  /** State before the first event. */
  initial: State;
  decide(command: Command, state: State): Event[];
  evolve(state: State, event: Event): State;
}

/** The assertion of a test that a story needs. */
interface Assertions {
  strictSame(found: unknown, wanted: unknown, message: string): unknown;
}

/**
 * Tests of a decider that read as they are told:
 * `const given = storyOf(poolDecider); given(created).when({ do: 'delete', id: 5 }).gives(t, [deleted])`. (A property `then` would
 * make it a promise.)
 * @param words what is compared of the events; default: the events
 */
export function storyOf<State, Command, Event>(
  rules: Rules<State, Command, Event>,
  words: (events: Event[]) => unknown = (events) => events,
) {
  return (...history: Event[]) => ({
    when(command: Command) {
      const decide = (): Event[] =>
        rules.decide(
          command,
          history.reduce((state, event) => rules.evolve(state, event), rules.initial),
        );
      return {
        /** The command leads to these events. */
        gives: (t: Assertions, wanted: unknown, message = 'the command leads to these events'): void => {
          t.strictSame(words(decide()), wanted, message);
        },
        /** The events; throws what refuses the command. */
        events: decide,
      };
    },
  });
}
