/**
 * Shares the answer of a look-up among all callers. A call during a look-up, or soon after one, gets its answer. So the
 * cost does not grow with the number of calls.
 * @param keptMs how long an answer counts, in ms.
 */
export function sharedLook<T>(look: () => Promise<T>, keptMs: (answer: T) => number): () => Promise<T> {
  let last: Promise<T> | undefined;
  return () => {
    if (last) return last;
    const looking = look();
    last = looking;
    const forget = (): void => {
      if (last === looking) last = undefined;
    };
    looking.then((answer) => {
      setTimeout(forget, keptMs(answer)).unref();
    }, forget);
    return looking;
  };
}
