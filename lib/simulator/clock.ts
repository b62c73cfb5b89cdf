/** The simulated clouds' time. Durations are believable seconds, stretched or shrunk by `pace` (0: at once). */
export interface SimulatorClock {
  now(): Date;
}

export const systemClock: SimulatorClock = { now: () => new Date() };

/** `2026-11-23T14:49:12Z`, as Nova, Glance and Neutron write. */
export const seconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/** `2026-11-23T14:49:12.000000`, as databases of Nova and Cinder show. */
export const micros = (date: Date): string => `${date.toISOString().slice(0, 19)}.000000`;
