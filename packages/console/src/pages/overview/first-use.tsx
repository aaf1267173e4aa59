import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ApiRequest } from '../../api/curl-line.js';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import type { KeyOf } from '../../text/words.js';
import { AsCommand } from '../../ui/as-command.js';
import { StateShape } from '../../ui/state.js';
import type { Overview } from './answer.js';
import styles from './first-use.module.css';
import { Section } from './section.js';
import { overviewWords } from './words.js';

interface Step {
  key: KeyOf<typeof overviewWords>;
  isDone: boolean;
  address: string;
  go: KeyOf<typeof overviewWords>;
  /** The same for a shell, with names to replace. */
  request: ApiRequest;
}

function post(path: string, body: unknown): ApiRequest {
  return { method: 'POST', path, body };
}

function stepsOf({ fleet, catalog, tasks }: Overview): Step[] {
  const has = (count: number | undefined): boolean => (count ?? 0) > 0;
  const fleetPage = { address: to.fleet(), go: 'first.go.fleet' } as const;
  const catalogPage = { address: to.catalog(), go: 'first.go.catalog' } as const;
  return [
    {
      key: 'first.cluster',
      isDone: has(fleet?.clusters),
      ...fleetPage,
      request: post('cluster/create', { name: 'lab', desc: '', biz: '1' }),
    },
    {
      key: 'first.service',
      isDone: has(fleet?.services),
      ...fleetPage,
      request: post('service/create', {
        name: 'web',
        desc: '',
        service_type: 'Java',
        docker_image: '-',
        cluster_id: 1,
      }),
    },
    {
      key: 'first.pool',
      isDone: has(fleet?.pools),
      ...fleetPage,
      request: post('pool/create', { name: 'web-pool', desc: '', vm_type: 1, sd_id: 1, service_id: 1 }),
    },
    {
      key: 'first.nodes',
      isDone: has(fleet?.nodes),
      ...fleetPage,
      request: post('pool/1/add_nodes', { nodes: ['10.0.0.7', '10.0.0.8'] }),
    },
    {
      key: 'first.action',
      isDone: has(catalog?.implementations),
      ...catalogPage,
      request: has(catalog?.actions)
        ? post('actimpl/create', {
            type: 'ansible',
            action_id: 1,
            template: { action: { module: 'shell', args: 'echo {{word}} from $(hostname)' } },
          })
        : post('action/create', { name: 'greet', desc: '', params: { word: 'string' } }),
    },
    {
      key: 'first.template',
      isDone: has(catalog?.templates),
      ...catalogPage,
      request: has(catalog?.steps)
        ? post('task_tpl/create', { name: 'greeting', desc: '', steps: [{ name: 'greet' }] })
        : post('remote_step/create', { name: 'greet', desc: '', actions: ['greet'] }),
    },
    {
      key: 'first.task',
      isDone: tasks?.any ?? false,
      address: to.newTask(),
      go: 'first.go.task',
      request: post('task/create', {
        template_id: 1,
        task_name: 'hello',
        nodes: [{ ip: '10.0.0.7' }],
        params: { word: 'good morning' },
      }),
    },
  ];
}

/** The way from nothing to a first task, ticked off by what there is. */
export function FirstUse({ overview }: { overview: Overview }): ReactNode {
  const text = useWords(overviewWords);
  const steps = stepsOf(overview);
  const next = steps.find(({ isDone }) => !isDone);
  return (
    <Section title={text('first.title')}>
      <p className={styles.what}>{text('first.what')}</p>
      <ol className={styles.steps}>
        {steps.map((step, index) => (
          <li
            key={step.key}
            data-state={step.isDone ? 'success' : 'initial'}
            aria-current={step === next ? 'step' : undefined}
          >
            {step.isDone ? (
              <StateShape state="success" />
            ) : (
              <span className={styles.number}>{index + 1}</span>
            )}
            <span>
              {text(step.key)}
              <span className="only-read-aloud">{text(step.isDone ? 'first.done' : 'first.open')}</span>
            </span>
            {step === next && (
              <>
                <Link href={step.address} className={styles.go ?? ''}>
                  {text(step.go)}
                </Link>
                <div className={styles.command}>
                  <AsCommand request={step.request} />
                </div>
              </>
            )}
          </li>
        ))}
      </ol>
    </Section>
  );
}
