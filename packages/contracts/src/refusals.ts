/**
 * Why a service refused an operation. The gateway converts each code to the status and text that the HTTP API documents
 * for the endpoint.
 *
 * - `invalid`: a value is missing or wrong (`field` names it)
 * - `not_found`: the thing itself, or one that `field` refers to, does not exist
 * - `conflict`: a unique name or address is taken
 * - `in_use`: other things still depend on the thing
 * - `wrong_state`: the state of the thing does not allow it
 * - `key_reused`: the key of the request was used for another request, see `onceOf`
 * - `unavailable`: the database or another service does not answer; trying again later may work
 * - `internal`: a fault in Rigel
 */
export type ServiceErrorCode =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'in_use'
  | 'wrong_state'
  | 'key_reused'
  | 'unavailable'
  | 'internal';

/**
 * The closed list of the reasons why a service refuses an operation, for programs and for words in other languages.
 * Each belongs to one kind, which decides the status that the HTTP API documents. A kind is a reason too: it says no
 * more than the kind. A code that was released keeps its meaning.
 */
export const REFUSALS = {
  // A value is missing or wrong.
  invalid: 'invalid',
  missing: 'invalid',
  blank: 'invalid',
  wrong_type: 'invalid',
  wrong_form: 'invalid',
  not_a_choice: 'invalid',
  too_small: 'invalid',
  too_large: 'invalid',
  too_short: 'invalid',
  too_long: 'invalid',
  unknown_field: 'invalid',
  unreadable_text: 'invalid',
  not_an_address: 'invalid',
  not_a_time_zone: 'invalid',
  not_in_future: 'invalid',
  listed_twice: 'invalid',
  depends_on_itself: 'invalid',
  cannot_change: 'invalid',
  other_list: 'invalid',
  not_of_task: 'invalid',
  confirm_name: 'invalid',
  expression: 'invalid',
  selector: 'invalid',
  range: 'invalid',
  command_text: 'invalid',
  template_rule: 'invalid',
  parameter_missing: 'invalid',
  parameter_type: 'invalid',
  parameter_unused: 'invalid',
  parameter_refused: 'invalid',
  secret_not_allowed: 'invalid',
  run_not_allowed: 'invalid',
  nothing_due: 'invalid',
  // The thing itself, or one that the request names, does not exist.
  not_found: 'not_found',
  no_such_step: 'not_found',
  no_such_address: 'not_found',
  not_of_pool: 'not_found',
  // A name or an address is taken, or another change came first.
  conflict: 'conflict',
  name_taken: 'conflict',
  name_alike: 'conflict',
  name_built_in: 'conflict',
  address_taken: 'conflict',
  address_twice: 'conflict',
  type_taken: 'conflict',
  version_changed: 'conflict',
  being_deleted: 'conflict',
  needed_by_schedule: 'conflict',
  dependency_circle: 'conflict',
  // Other things depend on it.
  in_use: 'in_use',
  has_parts: 'in_use',
  nodes_held: 'in_use',
  one_machine: 'in_use',
  // Its state does not allow it.
  wrong_state: 'wrong_state',
  plan_changed: 'wrong_state',
  task_not_running: 'wrong_state',
  task_running: 'wrong_state',
  task_ended: 'wrong_state',
  task_stopped: 'wrong_state',
  nothing_to_run: 'wrong_state',
  nodes_succeeded: 'wrong_state',
  nodes_at_work: 'wrong_state',
  budget_used: 'wrong_state',
  nothing_to_release: 'wrong_state',
  not_yet: 'wrong_state',
  template_not_set: 'wrong_state',
  image_not_set: 'wrong_state',
  no_nodes: 'wrong_state',
  moment_passed: 'wrong_state',
  no_moment: 'wrong_state',
  moments_full: 'wrong_state',
  sessions_full: 'wrong_state',
  access_off: 'wrong_state',
  needs_token: 'wrong_state',
  // The key of the request was used for another request.
  key_reused: 'key_reused',
  // The database or another service does not answer.
  unavailable: 'unavailable',
  // A fault in Rigel.
  internal: 'internal',
} as const satisfies Record<string, ServiceErrorCode>;

/** Why a service refuses an operation. */
export type Refusal = keyof typeof REFUSALS;

/** What a refusal speaks of, by name: ids, counts, names. Never the value of a parameter, a token or a secret. */
export type RefusalData = Readonly<Record<string, string | number | null>>;

/** What a program can know of a refusal beside its code, its words and its field. */
export interface RefusalFacts {
  /** The refused value where it is a number or a short text, and never a secret. */
  value?: string | number | boolean | undefined;
  data?: RefusalData | undefined;
}

/** Fields whose values are, or may hold, secrets, and texts of templates: a refusal never repeats them as data. */
const PRIVATE =
  /(?:^|[._])(?:params?|param_values|values|allowed_secrets|template|text|token|code|secret|cookie|hash)(?:$|\.)/;

/** The longest text that a refusal repeats as its value. */
const LONGEST_VALUE = 200;

/** The facts as they may leave a process: without the value of a private field, and without a long text. */
export function publicFacts(
  field: string | undefined,
  { value, data }: RefusalFacts,
): { value?: string | number | boolean; data?: RefusalData } {
  const isPrivate = field !== undefined && PRIVATE.test(field);
  const isLong = typeof value === 'string' && value.length > LONGEST_VALUE;
  return {
    ...(value === undefined || isPrivate || isLong ? {} : { value }),
    ...(data === undefined ? {} : { data }),
  };
}

/** What an id can be of. */
export type Thing =
  | 'cluster'
  | 'service'
  | 'pool'
  | 'node'
  | 'action'
  | 'implementation'
  | 'remote_step'
  | 'template'
  | 'task'
  | 'node_run'
  | 'schedule'
  | 'token'
  | 'session'
  | 'audit_line';
