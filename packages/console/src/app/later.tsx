import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode } from 'react';

/** A file of the console could not be loaded; `cause` says why. */
export class NotLoaded extends Error {
  override readonly name = 'NotLoaded';
}

let round = 0;

/** What could not be loaded is loaded again when it is drawn the next time. */
export function loadAgain(): void {
  round++;
}

/**
 * A component whose file is loaded when it is drawn for the first time. To be called once for each file.
 * A load that fails throws NotLoaded where the component stands, until `loadAgain`: React draws again at once what has thrown, and
 * would otherwise load for ever.
 */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let failedIn: number | undefined;
  const fresh = (): LazyExoticComponent<ComponentType<Props>> =>
    lazy(async () => {
      try {
        return { default: await load() };
      } catch (cause) {
        failedIn = round;
        throw new NotLoaded('a file of the console could not be loaded', { cause });
      }
    });
  let Loaded = fresh();
  // biome-ignore lint/correctness/noComponentHookFactories: one component for each file, made when the module is.
  return function Later(props: Props): ReactNode {
    if (failedIn !== undefined && failedIn !== round) {
      failedIn = undefined;
      Loaded = fresh();
    }
    return <Loaded {...props} />;
  };
}
