import { ApiError } from '@rigel/api-client';
import { CommandError, EXIT, type ExitStatus } from '../command/exit.js';

/** Refusals because of a rule or a state: the same command may be right at another time. */
const BY_STATE: ReadonlySet<string> = new Set([
  'conflict',
  'version_changed',
  'plan_changed',
  'being_deleted',
  'in_use',
  'has_parts',
  'nodes_held',
  'wrong_state',
  'task_not_running',
  'task_running',
  'task_ended',
  'task_stopped',
  'nothing_to_run',
  'no_nodes',
  'nodes_at_work',
  'nodes_succeeded',
  'budget_used',
  'nothing_to_release',
  'confirm_name',
  'name_taken',
  'address_taken',
]);

function statusOf({ code, reason }: ApiError): ExitStatus {
  if (code === 401 || code === 403 || reason?.code === 'run_not_allowed') return EXIT.notAllowed;
  if (code === 404 || reason?.code === 'not_found') return EXIT.notFound;
  if (code === 409 || BY_STATE.has(reason?.code ?? '')) return EXIT.refused;
  return EXIT.couldNot;
}

/** What a person does about a refusal that says nothing about it. */
function wayOut({ code, reason }: ApiError, context: string | undefined): string {
  if (code === 401)
    return `; rigel login${context === undefined ? '' : ` --context ${context}`} takes another token`;
  if (code === 429) return '; it goes on after a while';
  if (reason?.code === 'plan_changed') return '; look at the new plan, and confirm that one';
  return '';
}

/** Texts of the API that existing clients compare, and that say nothing to a person. */
const SAYS_NOTHING = /^db (error|server lost)/;

/** The API's words, or others where they say nothing. */
function wordsOf({ message, reason }: ApiError): string {
  if (reason?.code !== 'not_found' || !SAYS_NOTHING.test(message)) return message;
  const which =
    reason.value === null || reason.value === undefined ? '' : ` (${JSON.stringify(reason.value)})`;
  return `there is no such object${which}: the list of its kind has those that there are`;
}

/** An error of a call as the command line says it. */
export function commandErrorOf(error: unknown, context: string | undefined): CommandError | undefined {
  if (error instanceof CommandError) return error;
  if (!(error instanceof ApiError)) return undefined;
  return new CommandError(`${wordsOf(error)}${wayOut(error, context)}`, statusOf(error), {
    code: error.reason?.code,
    correlationId: error.correlationId,
  });
}
