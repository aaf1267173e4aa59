/** Series as they are scraped each minute from minute 0, in the notation of `promtool test rules`. */
export type Scraped = Readonly<Record<string, string>>;

/** When an alert is to fire, and what it then says; and when it is not to, although something looks like it. */
export interface AlertCase {
  alert: string;
  /** Looked at in this minute. Default: 20. */
  minute?: number;
  fires: Scraped;
  /** Labels beside the severity. */
  labels?: Record<string, string>;
  description: string;
  quiet: readonly Scraped[];
}

/** One value all the time. */
const always = (value: number): string => `${value}x30`;
/** A counter that rises by this in each minute. */
const rising = (step: number): string => `0+${step}x30`;

/** Buckets of a histogram in which this many of 100 in a minute took longer than 1 s, and those less than `slowest`. */
const buckets = (name: string, slow: number, slowest: number): Scraped => ({
  [`${name}{le="1"}`]: rising(100 - slow),
  [`${name}{le="${slowest}"}`]: rising(100),
  [`${name}{le="+Inf"}`]: rising(100),
});

const slots = (all: number, taken: number): Scraped => ({
  'rigel_executor_slots{instance="e1"}': always(all),
  'rigel_executor_slots_taken{instance="e1"}': always(taken),
});

const requests = (good: number, bad: number, code: string): Scraped => ({
  'rigel_http_request_duration_seconds_count{endpoint="task.get",code="200"}': rising(good),
  [`rigel_http_request_duration_seconds_count{endpoint="task.get",code="${code}"}`]: rising(bad),
});

const commits = (result: string, step: number): Scraped => ({
  [`rigel_commit_duration_seconds_count{result="${result}"}`]: rising(step),
});

const ssh = (made: number, failed: number): Scraped => ({
  rigel_ssh_connect_duration_seconds_count: rising(made),
  'rigel_ssh_connect_failures_total{kind="timeout"}': rising(failed),
});

const calls = (good: number, bad: number): Scraped => ({
  'rigel_provider_call_duration_seconds_count{provider="vm cloud 1",result="succeeded"}': rising(good),
  'rigel_provider_call_duration_seconds_count{provider="vm cloud 1",result="refused"}': rising(bad),
});

const CHANGED = 'rigel_ssh_connect_failures_total{instance="e1",kind="host_key_changed"}';

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'RigelProcessDown',
    minute: 3,
    fires: { 'up{job="rigel-gateway",instance="g1"}': always(0) },
    labels: { job: 'rigel-gateway', instance: 'g1' },
    description: 'g1 has not answered for 2 minutes.',
    quiet: [
      { 'up{job="rigel-gateway",instance="g1"}': always(1) },
      { 'up{job="rigel-gateway",instance="g1"}': '1 1 0 0 1' },
      { 'up{job="node",instance="n1"}': always(0) },
    ],
  },
  {
    alert: 'RigelProcessNotReady',
    fires: { 'rigel_ready{instance="g1"}': always(0) },
    labels: { instance: 'g1' },
    description: 'g1 has not been ready for 3 minutes.',
    quiet: [{ 'rigel_ready{instance="g1"}': always(1) }, { 'rigel_ready{instance="g1"}': '1x18 0x2' }],
  },
  {
    alert: 'RigelPartitionsUnowned',
    fires: {
      'rigel_partitions_owned{instance="s1"}': always(8),
      'rigel_partitions_owned{instance="s2"}': always(7),
    },
    description: 'Only 15 of 16 partitions are owned by a scheduler.',
    quiet: [
      {
        'rigel_partitions_owned{instance="s1"}': always(8),
        'rigel_partitions_owned{instance="s2"}': always(8),
      },
      // They move.
      {
        'rigel_partitions_owned{instance="s1"}': '8x17 16x3',
        'rigel_partitions_owned{instance="s2"}': '8x17',
      },
    ],
  },
  {
    alert: 'RigelPartitionsUnowned',
    fires: { 'rigel_ready{instance="g1"}': always(1) },
    description: 'Only 0 of 16 partitions are owned by a scheduler.',
    quiet: [],
  },
  {
    alert: 'RigelRunsUnclaimed',
    fires: {
      'rigel_runs_unclaimed_oldest_seconds{instance="s1",capability="ssh"}': always(400),
      'rigel_runs_unclaimed_oldest_seconds{instance="s1",capability="vm"}': always(0),
      ...slots(100, 20),
    },
    labels: { capability: 'ssh' },
    description: 'The oldest unclaimed run that needs ssh has been offered for 6m 40s.',
    quiet: [
      { 'rigel_runs_unclaimed_oldest_seconds{capability="ssh"}': always(200), ...slots(100, 20) },
      // RigelExecutorsFull says it.
      { 'rigel_runs_unclaimed_oldest_seconds{capability="ssh"}': always(400), ...slots(100, 100) },
    ],
  },
  {
    alert: 'RigelRunsUnclaimed',
    fires: { 'rigel_runs_unclaimed_oldest_seconds{capability="ssh"}': always(400) },
    labels: { capability: 'ssh' },
    description: 'The oldest unclaimed run that needs ssh has been offered for 6m 40s.',
    quiet: [],
  },
  {
    alert: 'RigelExecutorsFull',
    fires: { ...slots(100, 97), 'rigel_runs_unclaimed{capability="ssh"}': always(3) },
    description: '97% of all executor slots have been taken for 15 minutes, and runs wait.',
    quiet: [
      { ...slots(100, 97), 'rigel_runs_unclaimed{capability="ssh"}': always(0) },
      { ...slots(100, 50), 'rigel_runs_unclaimed{capability="ssh"}': always(3) },
    ],
  },
  {
    alert: 'RigelLeasesSilent',
    fires: { 'rigel_lease_heartbeat_age_seconds{instance="s1"}': always(9) },
    description: 'For 2 minutes there has always been a lease without a heartbeat for more than 8 s.',
    quiet: [{ 'rigel_lease_heartbeat_age_seconds{instance="s1"}': always(2) }],
  },
  {
    alert: 'RigelRelayBehind',
    fires: {
      'rigel_relay_lag_seconds{instance="s1"}': always(90),
      'rigel_relay_lag_seconds{instance="i1"}': always(0),
    },
    labels: { instance: 's1' },
    description: 'The oldest unpublished event of s1 is 1m 30s old.',
    quiet: [{ 'rigel_relay_lag_seconds{instance="s1"}': always(1) }],
  },
  {
    alert: 'RigelTablesDiffer',
    fires: { 'rigel_verification_differences{instance="i1"}': always(2) },
    labels: { instance: 'i1' },
    description: 'The last verification of the service at i1 has found 2 differences.',
    quiet: [
      { 'rigel_verification_differences{instance="i1"}': always(0) },
      { 'rigel_verification_differences{instance="i1"}': Array(30).fill('NaN').join(' ') },
    ],
  },
  {
    alert: 'RigelConsumerBehind',
    fires: {
      'rigel_consumer_lag_events{instance="a1",owner="scheduler"}': always(6_000),
      'rigel_consumer_lag_events{instance="a1",owner="catalog"}': always(0),
      'rigel_consumer_lag_events{instance="i1",owner="scheduler"}': always(10),
    },
    labels: { instance: 'a1', owner: 'scheduler' },
    description: 'a1 has not handled 6000 events of the scheduler yet.',
    quiet: [{ 'rigel_consumer_lag_events{instance="a1",owner="scheduler"}': always(400) }],
  },
  {
    alert: 'RigelHttpErrors',
    fires: requests(90, 10, '500'),
    description: '10% of all requests get an answer with 5xx.',
    quiet: [requests(99, 1, '500'), requests(50, 50, '404')],
  },
  {
    alert: 'RigelHttpSlow',
    minute: 25,
    fires: buckets('rigel_http_request_duration_seconds_bucket', 50, 5),
    description: 'One request in a hundred takes longer than 4.92s.',
    quiet: [buckets('rigel_http_request_duration_seconds_bucket', 0, 5)],
  },
  {
    alert: 'RigelOperationErrors',
    fires: {
      'rigel_rpc_errors_total{operation="rigel.catalog.template.resolve",code="internal"}': rising(60),
    },
    labels: { operation: 'rigel.catalog.template.resolve', code: 'internal' },
    description: 'rigel.catalog.template.resolve fails with internal, 1.0 times a second.',
    quiet: [
      { 'rigel_rpc_errors_total{operation="rigel.catalog.template.resolve",code="internal"}': rising(6) },
      { 'rigel_rpc_errors_total{operation="rigel.catalog.template.resolve",code="not_found"}': rising(600) },
    ],
  },
  {
    alert: 'RigelCommitsFail',
    fires: { ...commits('committed', 6_000), ...commits('failed', 30) },
    description: 'Schedulers fail to commit 0.5 times a second.',
    quiet: [commits('committed', 6_000), { ...commits('committed', 6_000), ...commits('failed', 1) }],
  },
  {
    alert: 'RigelCommitsSlow',
    minute: 25,
    fires: buckets('rigel_commit_duration_seconds_bucket', 50, 5),
    description: 'One commit in a hundred takes longer than 4.92s.',
    quiet: [buckets('rigel_commit_duration_seconds_bucket', 0, 5)],
  },
  {
    alert: 'RigelDatabaseWaiting',
    fires: { 'rigel_db_waiting{instance="s1"}': always(3) },
    labels: { instance: 's1' },
    description:
      'On s1 3 statements wait for a database connection; for 5 minutes there has always been one.',
    quiet: [{ 'rigel_db_waiting{instance="s1"}': '3 0 3 0 3 0 3 0 3 0 3 0 3 0 3 0 3 0 3 0 3' }],
  },
  {
    alert: 'RigelSshFailures',
    minute: 25,
    fires: ssh(40, 60),
    description: '60% of all SSH connections to nodes fail.',
    quiet: [ssh(60, 40), ssh(0, 0)],
  },
  {
    // The first one makes the series.
    alert: 'RigelHostKeyChanged',
    fires: { [CHANGED]: '_x17 1x5' },
    labels: { instance: 'e1', kind: 'host_key_changed' },
    description: 'An executor refused a node because its SSH host key has changed or is revoked.',
    quiet: [{ [CHANGED]: always(1) }, { [CHANGED.replace('host_key_changed', 'refused')]: rising(5) }],
  },
  {
    alert: 'RigelHostKeyChanged',
    fires: { [CHANGED]: '1x17 2x5' },
    labels: { instance: 'e1', kind: 'host_key_changed' },
    description: 'An executor refused a node because its SSH host key has changed or is revoked.',
    quiet: [],
  },
  {
    alert: 'RigelProviderFails',
    minute: 25,
    fires: calls(4, 6),
    labels: { provider: 'vm cloud 1' },
    description: '60% of the calls to vm cloud 1 fail.',
    quiet: [calls(6, 4), calls(0, 0)],
  },
  {
    alert: 'RigelEventLoopBlocked',
    fires: { 'nodejs_eventloop_lag_p99_seconds{instance="s1"}': always(0.75) },
    labels: { instance: 's1' },
    description: 'The event loop of s1 is 750ms late.',
    quiet: [{ 'nodejs_eventloop_lag_p99_seconds{instance="s1"}': always(0.2) }],
  },
];
