import type { StepOption } from '@rigel/api-client';

/*
 * What differs between two tasks: values of their steps, and what became of their nodes.
 */

/** A value that is another one in the other task; undefined: the task has none. */
export interface ValueDifference {
  step: string;
  name: string;
  here: string | undefined;
  there: string | undefined;
}

type Step = Pick<StepOption, 'name' | 'param_values'>;

function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && 'secret' in value) return `‹${String(value.secret)}›`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Values that differ, in the order of the steps of the first task, then those of the other one. */
export function valueDifferences(here: readonly Step[], there: readonly Step[]): ValueDifference[] {
  const steps = [...new Set([...here, ...there].map(({ name }) => name))];
  return steps.flatMap((step) => {
    const [one, other] = [here, there].map(
      (all) => all.find(({ name }) => name === step)?.param_values ?? {},
    ) as [Record<string, unknown>, Record<string, unknown>];
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    return names.flatMap((name) => {
      const value = { step, name, here: textOf(one[name]), there: textOf(other[name]) };
      return value.here === value.there ? [] : [value];
    });
  });
}

/** Addresses of two tasks, and their states by a digit each. */
interface Nodes {
  ips: readonly string[];
  state: string;
}

const FAILED = '3';

export interface NodeDifferences {
  /** Nodes of both. */
  both: number;
  onlyHere: string[];
  onlyThere: string[];
  /** Of the nodes of both: failed here and not there, there and not here, in both. */
  newlyFailed: string[];
  notFailedAnyMore: string[];
  failedInBoth: string[];
}

/** What became of the nodes of two tasks. */
export function nodeDifferences(here: Nodes, there: Nodes): NodeDifferences {
  const states = (nodes: Nodes) => new Map(nodes.ips.map((ip, index) => [ip, nodes.state.charAt(index)]));
  const [one, other] = [states(here), states(there)];
  const shared = [...one.keys()].filter((ip) => other.has(ip));
  const failed = (ip: string): [boolean, boolean] => [one.get(ip) === FAILED, other.get(ip) === FAILED];
  const those = (isHere: boolean, isThere: boolean): string[] =>
    shared.filter((ip) => {
      const [inHere, inThere] = failed(ip);
      return inHere === isHere && inThere === isThere;
    });
  return {
    both: shared.length,
    onlyHere: [...one.keys()].filter((ip) => !other.has(ip)),
    onlyThere: [...other.keys()].filter((ip) => !one.has(ip)),
    newlyFailed: those(true, false),
    notFailedAnyMore: those(false, true),
    failedInBoth: those(true, true),
  };
}
