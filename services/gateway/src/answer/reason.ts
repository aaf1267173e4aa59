import {
  publicFacts,
  REFUSALS,
  type Refusal,
  type RefusalData,
  type RefusalFacts,
  ServiceError,
} from '@rigel/contracts';
import { Type } from 'typebox';

/*
 * Why a request was refused, for programs: beside the words of every refusal. What services refuse, and what the gateway
 * refuses itself, have one list of codes.
 */

/** The refusals that only the gateway makes. */
const OWN = [
  'unreadable',
  'unknown_parameter',
  'nothing_to_change',
  'wrong_header',
  'body_too_large',
  'no_such_path',
  'wrong_method',
  'not_http',
  'token',
  'role',
  'cross_site',
  'rate_limited',
  'busy',
] as const;

/** The code of a refusal. */
export type ReasonCode = Refusal | (typeof OWN)[number];

/** The closed list. */
export const REASON_CODES: readonly ReasonCode[] = [...(Object.keys(REFUSALS) as Refusal[]), ...OWN];

/** Why a request was refused. */
export interface RefusalReason {
  code: ReasonCode;
  /** The wrong field, as the API spells it; null: the refusal is about no field. */
  field: string | null;
  /** What was refused, where it is a number or a short text; null also for what is or may hold a secret. */
  value: string | number | boolean | null;
  /** What the refusal speaks of: ids, counts, names. */
  data: RefusalData;
}

const Plain = Type.Union([Type.String(), Type.Number(), Type.Null()]);

/** The same as the API describes it. */
export const RefusalReasonRow = Type.Object(
  {
    code: Type.Enum([...REASON_CODES]),
    field: Type.Union([Type.String(), Type.Null()], {
      description: 'The wrong field, like `cron_items.0.time`.',
    }),
    value: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], {
      description: 'What was refused, if it is short; never what may be a secret.',
    }),
    data: Type.Record(Type.String(), Plain, {
      description: 'Ids, counts and names that the refusal speaks of.',
    }),
  },
  { description: 'Why, for programs and for words in other languages; see docs/refusals.md.' },
);

/** The reason of a refusal that the gateway decides on. */
export function reason(
  code: ReasonCode,
  { field, ...facts }: RefusalFacts & { field?: string | undefined } = {},
): RefusalReason {
  const { value = null, data = {} } = publicFacts(field, facts);
  return { code, field: field ?? null, value, data };
}

/** The reason of a service's refusal; a fault of Rigel's says no more than that it is one. */
export function reasonOf(error: unknown): RefusalReason {
  if (!(error instanceof ServiceError)) return reason('internal');
  const { reason: code, field, facts } = error;
  return reason(code, { field, ...facts });
}
