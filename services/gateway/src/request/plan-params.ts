import { PlanHash } from '@rigel/contracts';
import { Type } from 'typebox';

/*
 * Parameters of operations that have a preview.
 */

export const IfPlan = Type.Optional(
  Type.String({
    ...PlanHash,
    description:
      '`plan` of the preview: the operation does exactly that, or is refused and says what changed.',
  }),
);

export const HeldNodesInput = Type.Optional(
  Type.Enum(['refuse', 'leave_out'], {
    description:
      'Nodes that another task holds: the operation is refused, or (leave_out) does without them. Default: refuse.',
  }),
);

/** The node runs that a start opens. */
export const RunsInput = Type.Optional(
  Type.Union(
    [Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 100_000 }), Type.Literal('halted')],
    {
      description:
        'Ids of node runs: only these go on, and whatever else is not done stays as it is. `halted`: all that were halted or have ' +
        'not begun, so that the failed ones stay. Absent: all that have not succeeded.',
    },
  ),
);

export const ReasonInput = Type.Optional(
  Type.String({ description: 'Why, for the log, the history and why; at most 500 characters.' }),
);
