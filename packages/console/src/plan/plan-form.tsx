import { ApiError, once, type Preview } from '@rigel/api-client';
import { type ReactNode, useId, useRef, useState } from 'react';
import { Link } from 'wouter';
import { to } from '../app/addresses.js';
import type { Need } from '../app/role.js';
import { useWords } from '../text/intl.js';
import { AsCommand } from '../ui/as-command.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { TextInput } from '../ui/field.js';
import { Refusal, refusedBecause } from '../ui/refusal.js';
import styles from './plan.module.css';
import { PlanPanel } from './plan-panel.js';
import { type PlanState, usePlan } from './use-plan.js';
import { planWords } from './words.js';

/** More nodes than this ask for their number to be typed. */
const MANY_NODES = 500;

/** What binds an operation to what was shown, beside its own values. */
export interface Bound {
  if_plan: string;
  /** The name of a protected pool, which the person has typed. */
  confirm?: string;
}

export interface PlanFormProps<Body> {
  /** The request as the values on the screen have it; undefined while they are not complete. */
  body: Body | undefined;
  /** Why the values are not complete. */
  missing?: string | undefined;
  /** Asks the API for the preview of a request. */
  preview: (body: Body) => Promise<Preview>;
  /**
   * Sends the operation, bound to the plan that was shown.
   * @param headers name the request, so that it is carried out once when it is sent again
   * @returns ids of the tasks that it made
   */
  run: (body: Body & Bound, headers: Record<'Idempotency-Key', string>) => Promise<number[]>;
  /** Address of the operation below the API's root: `pool/deploy/4`. */
  path: string;
  /** The verb and the count: "Deploy to 958 nodes". */
  action: (preview: Preview | undefined) => string;
  /** `danger`: machines or data are lost. Then the number of nodes is typed before. */
  kind?: 'primary' | 'danger';
  /** What the operation needs; default: the role operator. */
  needs?: Need;
  /** The fields. */
  children: ReactNode;
  onCancel: () => void;
  /** The operation was carried out. Without it the tasks that were made are shown in place of the form. */
  onStarted?: (ids: number[]) => void;
}

/** The word that confirms a plan; undefined: none is needed. */
function wordFor(preview: Preview | undefined, kind: 'primary' | 'danger') {
  if (preview === undefined) return undefined;
  if (preview.warnings.some(({ code }) => code === 'protected'))
    return { what: 'pool', word: preview.tasks[0]?.pool_name ?? '' } as const;
  const { count } = preview.nodes;
  return kind === 'danger' || count > MANY_NODES
    ? ({ what: 'count', word: String(count) } as const)
    : undefined;
}

/** The operation was refused because its plan had changed. */
function isPlanRefused(error: unknown): boolean {
  return error instanceof ApiError && error.reason?.code === 'plan_changed';
}

/** Fields, plan and buttons of an operation, for a page or a dialog to place. */
function usePlanForm<Body extends object>(props: PlanFormProps<Body>) {
  const { body, missing, path, action, kind = 'primary', needs = 'operator', children, onCancel } = props;
  const text = useWords(planWords);
  const plan = usePlan(body, props.preview);
  const { preview, isCurrent } = plan;
  const [word, setWord] = useState('');
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const [started, setStarted] = useState<number[]>();
  // A request whose answer was lost is sent again under its name; another request has another one.
  const named = useRef({ of: '', ...once() });
  const wanted = wordFor(isCurrent ? preview : undefined, kind);
  const impossible = impossibleBecause(plan, missing, wanted?.word, word, text);
  const bound: (Body & Bound) | undefined =
    body && preview && isCurrent
      ? { ...body, if_plan: preview.plan, ...(wanted?.what === 'pool' ? { confirm: wanted.word } : {}) }
      : undefined;
  const run = async (): Promise<void> => {
    if (bound === undefined) return;
    const key = JSON.stringify(bound);
    if (named.current.of !== key) named.current = { of: key, ...once() };
    setPending(true);
    setFailure(undefined);
    try {
      const ids = await props.run(bound, named.current.headers);
      if (props.onStarted) props.onStarted(ids);
      else setStarted(ids);
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
      await plan.again();
    } finally {
      setPending(false);
    }
  };
  const wasRefused = isPlanRefused(failure);
  const content = (
    <div className={styles.form}>
      <div className={styles.fields}>{children}</div>
      <div className={styles.side}>
        {body === undefined && preview === undefined ? (
          <p className={styles.quiet}>{missing ?? text('none.yet')}</p>
        ) : (
          <PlanPanel plan={plan} wasRefused={wasRefused} />
        )}
        {bound && <AsCommand request={{ method: 'POST', path, body: bound }} />}
      </div>
    </div>
  );
  const buttons = (
    <div className={styles.end}>
      {/* What has changed stands above the plan. */}
      {failure && !(wasRefused && plan.changes.length > 0) && (
        <div role="alert" className={styles.refused}>
          <Refusal error={failure} />
        </div>
      )}
      <div className={styles.buttons}>
        {wanted && (
          <div className={styles.word}>
            <TextInput
              label={text(`type.${wanted.what}`, { word: wanted.word })}
              value={word}
              onChange={setWord}
              isCode
            />
          </div>
        )}
        <Button onPress={onCancel}>{text('cancel')}</Button>
        <Button
          kind={kind}
          needs={needs}
          isPending={isPending}
          impossible={impossible}
          onPress={() => void run()}
        >
          {action(isCurrent ? preview : undefined)}
        </Button>
      </div>
    </div>
  );
  return { content, buttons, started };
}

function impossibleBecause(
  { preview, isCurrent, error, changes }: PlanState,
  missing: string | undefined,
  wanted: string | undefined,
  typed: string,
  text: ReturnType<typeof useWords<keyof (typeof planWords)['en-US']>>,
): string | undefined {
  if (missing !== undefined) return missing;
  if (error) return text('wait.none');
  if (!isCurrent || preview === undefined) return text('wait.plan');
  if (changes.length > 0) return text('changed.first');
  const refused = refusedBecause(preview);
  if (refused !== undefined) return `${text('refused')}: ${refused}`;
  if (preview.nodes.count === 0) return text('nodes', { count: 0, pool: '' });
  if (wanted !== undefined && typed.trim() !== wanted)
    return text(wanted === String(preview.nodes.count) ? 'type.count' : 'type.pool', { word: wanted });
  return undefined;
}

/**
 * An operation on a page: its fields, and beside them what it will do. It can be carried out when the plan of exactly the values on
 * the screen is there, and is bound to it.
 */
export function PlanForm<Body extends object>(props: PlanFormProps<Body>): ReactNode {
  const { content, buttons, started } = usePlanForm(props);
  if (started) return <Started ids={started} />;
  return (
    <div className={styles.page}>
      {content}
      <footer>{buttons}</footer>
    </div>
  );
}

interface PlanDialogProps<Body> extends Omit<PlanFormProps<Body>, 'onCancel'> {
  title: string;
  onClose: () => void;
}

/** The same in a dialog. It is made anew each time it opens: render it only while it is open. */
export function PlanDialog<Body extends object>({
  title,
  onClose,
  ...props
}: PlanDialogProps<Body>): ReactNode {
  const text = useWords(planWords);
  const { content, buttons, started } = usePlanForm({ ...props, onCancel: onClose });
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      size={started ? 'narrow' : 'tall'}
      isKept={!started}
      buttons={started ? <Button onPress={onClose}>{text('close')}</Button> : buttons}
    >
      {started ? <Started ids={started} /> : content}
    </Dialog>
  );
}

/** The tasks that an operation has made. */
function Started({ ids }: { ids: readonly number[] }): ReactNode {
  const text = useWords(planWords);
  const title = useId();
  return (
    <div role="status" aria-labelledby={title} className={styles.started}>
      <p id={title}>{text('started.title', { count: ids.length })}</p>
      <ul>
        {ids.map((id) => (
          <li key={id}>
            <Link href={to.task(id)}>{text('started.task', { id })}</Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
