import type { StepDefinition } from '../support/fleet.js';

/** Retries of every step: enough for what fails by design and a few connections that were cut at the wrong moment. */
export const RETRIES = 3;

/** Folder below the home of the nodes, in which each node has a file with a line for each command that ran. */
export const RAN = 'ran';

/** A step as it behaves on the node with this number: the exit status of an attempt at it. */
interface Step {
  label: string;
  status: (node: number, attempt: number) => number;
  /** The same for the node's shell, with $i and $a. */
  shell: string;
}

/** Three steps: one that succeeds, one that fails once on every fifth node, one that fails for good on every 19th. */
export const STEPS: readonly Step[] = [
  { label: 'one', status: () => 0, shell: 'exit 0' },
  {
    label: 'two',
    status: (node, attempt) => (node % 5 === 0 && attempt === 1 ? 7 : 0),
    shell: '[ $((i % 5)) -ne 0 ] || [ $a -ne 1 ] || exit 7',
  },
  {
    label: 'three',
    status: (node) => (node % 19 === 3 ? 9 : 0),
    shell: '[ $((i % 19)) -ne 3 ] || exit 9',
  },
];

/** The number of a node: its place in `loopbackNodes`. */
export function nodeNumber(host: string): number {
  const [, , high = 0, low = 0] = host.split('.').map(Number);
  return high * 250 + low - 1;
}

/** What a step prints on a node. */
export function outputOf(label: string, host: string, attempt: number): string {
  return `${label} begins on ${host}, attempt ${attempt}\n${label} ends on ${host}, attempt ${attempt}\n`;
}

/** Notes itself with its identity, says that it begins, takes between one and three seconds, says that it ends. */
function commandOf({ label, shell }: Step): string {
  return [
    'set -- $SSH_CONNECTION',
    'host=$3',
    `echo "$RIGEL_ATTEMPT $(date +%s)" >> ${RAN}/$host`,
    "a=$(echo $RIGEL_ATTEMPT | sed 's/.*-a//')",
    `echo "${label} begins on $host, attempt $a"`,
    'i=$(echo $host | { IFS=. read p q high low; echo $((high * 250 + low - 1)); })',
    'sleep $((1 + i % 2)).$((i % 9))',
    `echo "${label} ends on $host, attempt $a"`,
    shell,
  ].join('; ');
}

export function workSteps(): Record<string, StepDefinition> {
  return Object.fromEntries(STEPS.map((step) => [step.label, { command: commandOf(step), retry: RETRIES }]));
}

/** One quick command. */
export const QUICK: Record<string, StepDefinition> = {
  quick: {
    command: `set -- $SSH_CONNECTION; echo "$RIGEL_ATTEMPT $(date +%s)" >> ${RAN}/$3; echo quick`,
    retry: RETRIES,
  },
};

/** Does not end by itself, and leaves a child in the background that has lost its parent. */
export const ENDLESS: Record<string, StepDefinition> = {
  endless: {
    command:
      `set -- $SSH_CONNECTION; echo "$RIGEL_ATTEMPT $(date +%s)" >> ${RAN}/$3; ` +
      '( ( sleep 601; true ) & ); sleep 602; true',
    retry: RETRIES,
  },
};
