import { to } from '../../app/addresses.js';

/**
 * Where the console shows what a line of the audit is about: `task-7` leads to the task.
 * @returns undefined: nothing is shown of it, or it has no page.
 */
export function addressOf(target: string): string | undefined {
  const [, kind, digits] = /^([a-z_]+)-(\d{1,15})$/.exec(target) ?? [];
  const id = Number(digits);
  switch (kind) {
    case 'task':
      return to.task(id);
    case 'pool':
      return to.pool(id);
    case 'node':
      return to.node(id);
    case 'template':
      return to.template(id);
    case 'action':
      return to.action(id);
    case 'token':
      return to.access();
    case 'session':
      return `${to.access()}?tab=sessions`;
    default:
      return undefined;
  }
}
