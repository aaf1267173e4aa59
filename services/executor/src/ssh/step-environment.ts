import type { TaskPlan } from '@rigel/contracts';

/** Most characters of a value: people read it, and every process of the command carries it. */
const LONGEST = 255;

/**
 * The environment variables that tell a command about its task. Values are data: they are assigned in quotes, outside
 * of the command's own text. A scheduler of an earlier release does not send all of them.
 */
export function stepEnvironment(plan: TaskPlan, nodeAddress: string): Record<string, string> {
  const { task_id, task_name, operator, pool, correlation_id } = plan;
  return {
    RIGEL_CORRELATION_ID: correlation_id,
    RIGEL_TASK_ID: String(task_id),
    ...variable('RIGEL_TASK_NAME', task_name),
    ...variable('RIGEL_OPERATOR', operator),
    ...variable('RIGEL_NODE_ADDRESS', nodeAddress),
    ...variable('RIGEL_POOL', pool),
  };
}

function variable(name: string, value: string | undefined): Record<string, string> {
  if (value === undefined) return {};
  // No variable can hold a NUL.
  const text = value.replaceAll('\0', '');
  return { [name]: text.length <= LONGEST ? text : [...text].slice(0, LONGEST).join('') };
}
