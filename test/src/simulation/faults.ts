import type { Random } from '../support/random.js';
import type { Host } from './host.js';
import type { World } from './world.js';

const PROCESSES = /^(scheduler|executor|follower)/;

/** One thing that goes wrong. */
type Fault = (world: World, random: Random) => void;

const victim = (world: World, random: Random): Host =>
  random.pick([...world.hosts].filter(([role]) => PROCESSES.test(role)).map(([, host]) => host));

const FAULTS: readonly Fault[] = [
  function kill(world, random) {
    victim(world, random).kill();
  },
  function killInTheMiddle(world, random) {
    victim(world, random).killAfter(random.integer(0, 25));
  },
  function freeze(world, random) {
    const host = victim(world, random);
    const ms = random.integer(500, 25_000);
    world.note(`${host.name} stands still for ${ms} ms`);
    host.freeze(ms);
  },
  function freezeScheduler(world, random) {
    const schedulers = [...world.hosts].filter(([role]) => role.startsWith('scheduler'));
    const [, host] = random.pick(schedulers);
    const ms = random.integer(5_000, 25_000);
    world.note(`${host.name} stands still for ${ms} ms`);
    host.freeze(ms);
  },
  function cutOff(world, random) {
    const host = victim(world, random);
    const ms = random.integer(500, 20_000);
    world.note(`${host.name} is cut off from NATS for ${ms} ms`);
    host.offlineUntil = world.timeline.now + ms;
  },
  function wrongClock(world, random) {
    const host = victim(world, random);
    const ms = random.integer(-30_000, 30_000);
    world.note(`the clock of ${host.name} is wrong by ${ms} ms`);
    host.setSkew(ms);
  },
  function endExecutor(world, random) {
    world.drain(
      random.pick([...world.hosts].filter(([role]) => role.startsWith('executor')).map(([, host]) => host)),
    );
  },
  function restartDatabase(world, random) {
    const ms = random.integer(100, 8_000);
    world.note(`the database is away for ${ms} ms`);
    world.database.restart(ms);
  },
  function restartNats(world, random) {
    const ms = random.integer(100, 8_000);
    const wiped = random.chance(0.5);
    world.note(`NATS is away for ${ms} ms${wiped ? ' and has lost its store' : ''}`);
    world.network.downUntil = world.timeline.now + ms;
    if (wiped) world.queue.wipe();
  },
  function cutConnections(world, random) {
    const node = random.pick([...world.nodes.values()]);
    world.note(`the connections to ${node.ip} break`);
    node.cutConnections();
  },
  function isolateNode(world, random) {
    const node = random.pick([...world.nodes.values()]);
    const ms = random.integer(1_000, 60_000);
    world.note(`${node.ip} cannot be reached for ${ms} ms`);
    node.isolate(ms);
  },
  function rebootNode(world, random) {
    const node = random.pick([...world.nodes.values()]);
    world.note(`${node.ip} restarts`);
    node.reboot(random.integer(1_000, 20_000));
  },
];

/** Disks that are full for a while; now and then a node's memory is emptied though it has not restarted. */
export function fillDisks(world: World, random: Random, until: number): void {
  const { timeline } = world;
  const next = (): void => {
    timeline.schedule(random.integer(200, 4_000), undefined, () => {
      if (timeline.now >= until) return;
      const node = random.pick([...world.nodes.values()]);
      if (random.chance(0.2)) {
        world.note(`the memory of ${node.ip} is emptied`);
        node.emptyMemory();
      } else if (!node.full) {
        const ms = random.integer(500, 30_000);
        world.note(`the disk of ${node.ip} is full for ${ms} ms`);
        node.full = true;
        timeline.schedule(ms, undefined, () => {
          node.full = false;
        });
      }
      next();
    });
  };
  next();
}

/** Lets things go wrong, at random moments, of kinds that the seed chooses; `until` is a moment. */
export function injectFaults(world: World, random: Random, until: number): void {
  const { timeline, network, database } = world;
  network.lossy = random.pick([0, 0.005, 0.02, 0.08]);
  database.answerLost = random.pick([0, 0.01, 0.05]);
  // Some seeds have a few kinds of faults only: what one kind brings to light another may hide.
  const kinds = random.shuffle(FAULTS).slice(0, random.integer(1, FAULTS.length));
  const pause = random.pick([500, 2_000, 6_000]);
  world.faultsUntil = until;
  const next = (): void => {
    timeline.schedule(random.integer(1, 2 * pause), undefined, () => {
      if (timeline.now >= until) return;
      random.pick(kinds)(world, random);
      next();
    });
  };
  next();
  timeline.schedule(until - timeline.now, undefined, () => {
    world.note('nothing goes wrong any more');
    network.lossy = 0;
    database.answerLost = 0;
  });
}
