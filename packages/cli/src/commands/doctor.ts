import { unwrap } from '@rigel/api-client';
import { Unreachable } from '../api/client.js';
import { commandErrorOf } from '../api/refusals.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { releaseOf } from '../release.js';

/** `warning`: it works, and may not tomorrow or for others. */
type Verdict = 'ok' | 'warning' | 'failed';

interface Finding {
  check: string;
  verdict: Verdict;
  text: string;
}

/** Clocks may differ by so much, in milliseconds: a time that one side shows is then a moment off on the other. */
const MOST_SKEW_MS = 5_000;
/** The first event of a stream comes at once; a proxy that collects answers holds it back for longer than this. */
const STREAM_MS = 6_000;

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

function address({ settings }: Invocation): Finding {
  const { url, context } = settings;
  const { protocol, hostname } = new URL(url);
  const where = `${url}${context === undefined ? '' : ` (context ${context})`}`;
  if (protocol === 'https:' || LOOPBACK.test(hostname))
    return { check: 'address', verdict: 'ok', text: where };
  return {
    check: 'address',
    verdict: 'warning',
    text: `${where}: without TLS others on the way can read the token`,
  };
}

async function reach({ settings, io }: Invocation): Promise<Finding[]> {
  const begun = io.now();
  let answer: Response;
  try {
    // Without the token: what stands at a wrong address must not learn it.
    answer = await io.fetch(`${settings.url}/healthz`, { signal: AbortSignal.timeout(STREAM_MS) });
    await answer.text();
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    const text = `nothing answers at ${settings.url}: ${cause?.message || message}`;
    return [{ check: 'connection', verdict: 'failed', text }];
  }
  const took = io.now() - begun;
  if (!answer.ok) {
    const text = `${settings.url}/healthz answers with ${answer.status}: is this the address of the gateway?`;
    return [{ check: 'connection', verdict: 'failed', text }];
  }
  return [
    { check: 'connection', verdict: 'ok', text: `answered after ${took} ms` },
    ...clock(answer.headers.get('date'), begun, io.now()),
  ];
}

function clock(date: string | null, before: number, after: number): Finding[] {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return [];
  // Their time is in whole seconds.
  const skew = theirs + 1_000 < before ? before - theirs - 1_000 : theirs > after ? theirs - after : 0;
  const text =
    skew <= MOST_SKEW_MS
      ? 'agrees with that of the system'
      : `this clock and that of ${theirs > after ? 'the system, which is ahead,' : 'the system, which is behind,'} differ by ${Math.round(skew / 1_000)} s`;
  return [{ check: 'clock', verdict: skew <= MOST_SKEW_MS ? 'ok' : 'warning', text }];
}

/** @throws CommandError when the token cannot be read, or is refused. */
async function token({ api }: Invocation): Promise<Finding> {
  const who = (await unwrap(api().GET('/session'))) as { name: string; role: string };
  return { check: 'token', verdict: 'ok', text: `${plain(who.name)}, role ${plain(who.role)}` };
}

async function system({ api }: Invocation): Promise<Finding[]> {
  const { release, missing } = (await unwrap(api().GET('/system'))) as {
    release: string;
    missing: { part: string; reason: string }[];
  };
  const own = releaseOf();
  const same = release === own;
  const text = same ? `both are ${own}` : `rigel is ${own}, the system is ${plain(release)}`;
  return [
    { check: 'release', verdict: same ? 'ok' : 'warning', text },
    missing.length === 0
      ? { check: 'parts', verdict: 'ok', text: 'all parts of the system are there' }
      : {
          check: 'parts',
          verdict: 'failed',
          text: missing.map(({ part, reason }) => `${plain(part)} is missing: ${plain(reason)}`).join('; '),
        },
  ];
}

async function stream({ settings, io, signal }: Invocation): Promise<Finding> {
  const check = 'streams';
  const known = await settings.token();
  const late = AbortSignal.timeout(STREAM_MS);
  const begun = io.now();
  try {
    const answer = await io.fetch(`${settings.url}/live?topics=overview`, {
      headers: {
        accept: 'text/event-stream',
        ...(known === undefined ? {} : { authorization: `Bearer ${known}` }),
      },
      signal: AbortSignal.any([signal, late]),
    });
    const reader = answer.body?.getReader();
    if (!answer.ok || !reader) {
      await reader?.cancel();
      return { check, verdict: 'warning', text: `refused with ${answer.status}: following polls instead` };
    }
    await reader.read();
    await reader.cancel();
    return { check, verdict: 'ok', text: `the first event came after ${io.now() - begun} ms` };
  } catch (error) {
    if (signal.aborted) throw new CommandError('interrupted', EXIT.interrupted);
    const why = late.aborted
      ? `no event came within ${STREAM_MS / 1_000} s: a proxy on the way collects answers before it passes them on`
      : (error as Error).message;
    return { check, verdict: 'warning', text: `${why}. Following polls instead` };
  }
}

const MARKS: Record<Verdict, string> = { ok: 'ok', warning: 'warning', failed: 'FAILED' };

/** What keeps the command line from its system. */
export const doctorCommands = [
  command({
    name: 'doctor',
    help: {
      en: 'Look at address, connection, clock, token, releases and streams, and say what is wrong',
      zh: '检查地址、连接、时钟、令牌、版本与事件流，并指出问题',
    },
    run: async (invocation) => {
      const { print } = invocation;
      const findings: Finding[] = [];
      const found = (...more: Finding[]): void => {
        findings.push(...more);
        for (const finding of more)
          if (print.isForPeople)
            print.line(`${MARKS[finding.verdict].padEnd(7)}  ${finding.check.padEnd(10)}  ${finding.text}`);
      };
      /** Does a check that may be refused. @returns whether the next ones make sense. */
      const tried = async (check: string, look: () => Promise<Finding | Finding[]>): Promise<boolean> => {
        try {
          found(...[await look()].flat());
          return true;
        } catch (error) {
          const known = commandErrorOf(error, invocation.settings.context);
          if (!known || known.status === EXIT.interrupted) throw error;
          found({ check, verdict: 'failed', text: plain(known.message) });
          return !(known instanceof Unreachable);
        }
      };
      found(address(invocation));
      found(...(await reach(invocation)));
      const isReached = !findings.some(({ verdict }) => verdict === 'failed');
      if (
        isReached &&
        (await tried('token', () => token(invocation))) &&
        findings.at(-1)?.verdict === 'ok' &&
        (await tried('parts', () => system(invocation)))
      )
        await tried('streams', () => stream(invocation));
      if (!print.isForPeople)
        print.rows('finding', findings, [
          { field: 'check', title: 'check' },
          { field: 'verdict', title: 'verdict' },
          { field: 'text', title: 'text' },
        ]);
      return findings.some(({ verdict }) => verdict === 'failed') ? EXIT.notGood : EXIT.done;
    },
  }),
];
