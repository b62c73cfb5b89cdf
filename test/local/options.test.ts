import { describe, expect, it } from 'vitest';
import { HELP, readOptions } from '../../lib/local/options.ts';

describe('the options of a start', () => {
  it('have defaults for everything', () => {
    expect(readOptions([])).toEqual({
      port: 8080,
      data: '.pumphouse',
      finalize: 'auto',
      quiesce: 'suspend',
      reset: false,
      simulator: {},
    });
  });

  it('are taken as given', () => {
    const given =
      '--port 0 --data d --reset --seed 7 --tenants 2 --servers 9 --image-mib 3 --pace 0.5 --finalize manual --quiesce none --relay-rate 80';
    expect(readOptions(given.split(' '))).toEqual({
      port: 0,
      data: 'd',
      finalize: 'manual',
      quiesce: 'none',
      reset: true,
      relayRate: 80,
      simulator: { seed: 7, tenants: 2, servers: 9, imageMiB: 3, pace: 0.5 },
    });
    expect(readOptions('--clouds f --source a --destination b'.split(' '))).toMatchObject({
      clouds: { file: 'f', source: 'a', destination: 'b' },
    });
    expect(readOptions(['--source', 'a'])).toMatchObject({ clouds: { source: 'a' } });
  });

  it('are all explained', () => {
    expect(readOptions(['--help'])).toBe('help');
    const names =
      'port data clouds source destination finalize quiesce relay-rate reset reset-prefix workload seed tenants servers image-mib pace help';
    for (const name of names.split(' ')) expect(HELP).toContain(`--${name}`);
  });

  it.each([
    ['--nothing', /--nothing/],
    ['something', /something/],
    ['--port x', /--port is x/],
    ['--port 65536', /--port/],
    ['--port', /--port/],
    ['--servers 1.5', /whole number/],
    ['--finalize soon', /auto, manual/],
    ['--quiesce pause', /suspend, stop, none/],
    ['--destination b', /needs --source/],
    ['--clouds f', /needs --source/],
    ['--source a --destination a', /same cloud/],
    ['--source a --seed 1', /--seed is for simulated clouds/],
    ['--data=', /--data has no value/],
    ['--source a --reset', /needs --reset-prefix/],
    ['--reset-prefix demo-', /needs --reset/],
    ['--reset --reset-prefix abc', /4 to 40/],
    ['--reset --reset-prefix *all*', /4 to 40/],
    ['--reset --workload w.yaml', /needs --reset and --reset-prefix/],
    ['--reset --reset-prefix demo- --workload /nowhere/w.yaml', /ENOENT/],
    [`--reset --reset-prefix demo- --workload ${import.meta.filename}`, /YAML|workload/],
  ])('%s is refused in one line', (given, why) => {
    expect(() => readOptions(given.split(' '))).toThrow(why);
    try {
      readOptions(given.split(' '));
    } catch (error) {
      expect(error).toMatchObject({ name: 'StartRefused' });
      expect((error as Error).message).not.toContain('\n');
    }
  });
});
