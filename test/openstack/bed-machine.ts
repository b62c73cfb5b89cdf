/** The machines of the bed: the harness switches them on and off, as a power line or an installed disk would. */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Cloud } from '../../lib/ports.ts';
import type { BareMetalNode } from '../../lib/resources/bare-metal-node.ts';
import { bedClouds } from './programs.ts';
import { pause } from './until.ts';

const execute = promisify(execFile);

/** Starts or stops a nova-compute of the bed: `bedHost('--stop', 'source', 'src-compute-3')`. */
export const bedHost = async (...words: string[]): Promise<void> => {
  const env = { ...process.env, STATE: dirname(bedClouds()) };
  await execute(`${import.meta.dirname}/bed/host`, words, { env });
};

export interface Machine {
  /** What Ironic has shown of its node, one after another. */
  seen: string[];
  /** Ends the play. */
  leave(): void;
}

/**
 * Plays the machine of a node of Ironic's fake hardware, a host of the source before: off, its
 * nova-compute stops; installed and on, one starts in the destination, as its new disk would have it.
 */
export const playMachine = (destination: Cloud, name: string): Machine => {
  let on = true;
  const seen: string[] = [];
  const step = async () => {
    const node = await destination.get<BareMetalNode>('baremetal', `/v1/nodes/${name}`);
    const now = `${node.provision_state} ${node.power_state}`;
    if (seen.at(-1) === now) return;
    seen.push(now);
    if (node.power_state === 'power off') await bedHost('--stop', 'source', name);
    if (now === 'active power on') await bedHost('destination', name);
  };
  void (async () => {
    while (on) {
      await step().catch((error) => seen.push(String(error)));
      await pause(0.5);
    }
  })();
  return {
    seen,
    leave() {
      on = false;
    },
  };
};
