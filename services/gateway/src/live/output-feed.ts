import { type live, OutputPlace, type RpcRequest, type RpcResponse } from '@rigel/contracts';
import { assertMatches } from '@rigel/messaging';
import { END_EVENT, encodeEvent, endId } from './live-stream.js';
import type { Page } from './page-cache.js';

export const BEGINNING = '1.1.0';

/**
 * A place in a run's output: step from 1, attempt from 1, and bytes of the attempt. Undefined if the text is not a
 * place.
 */
export function outputPlace(text: string): string | undefined {
  try {
    return placeText(toPlace(text));
  } catch {
    return undefined;
  }
}

export function toPlace(text: string): OutputPlace {
  const parts = /^(\d{1,10})\.(\d{1,10})\.(\d{1,16})$/.exec(text);
  const [step = 0, attempt = 0, byte = 0] = (parts ?? []).slice(1).map(Number);
  return assertMatches(OutputPlace, { step: step - 1, attempt, byte });
}

export function placeText({ step, attempt, byte }: OutputPlace): string {
  return `${step + 1}.${attempt}.${byte}`;
}

/** The output of a run after a place. */
export async function readOutputPage(
  nsid: number,
  place: string,
  ask: (request: RpcRequest<typeof live.runOutput>) => Promise<RpcResponse<typeof live.runOutput>>,
): Promise<Page> {
  const answer = await ask({ id: nsid, after: toPlace(place) });
  const text = answer.parts
    .map(({ name, step, attempt, text, place }) =>
      encodeEvent(placeText(place), 'output', { nsid, step: name, step_num: step + 1, attempt, text }),
    )
    .join('');
  const next = placeText(answer.place);
  const end =
    answer.over && next === place
      ? encodeEvent(endId(next), END_EVENT, { nsid, state: answer.over.state })
      : undefined;
  return { text, next, end };
}
