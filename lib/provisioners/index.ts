/** The provisioners by name: the one that the configuration chooses, and what it was told of the destination. */
import type { ProvisionerName } from '../domain/operation.ts';
import { fuel } from './fuel.ts';
import { ironic } from './ironic.ts';
import { manual } from './manual.ts';
import type { Provisioner } from './provisioner.ts';
import { type Fields, readSettings, type Settings } from './settings.ts';

export interface Provisioning {
  provisioner: Provisioner;
  settings: Settings;
}

const PROVISIONERS: Record<ProvisionerName, (settings: Settings) => Provisioner> = {
  ironic: (settings) => ironic(settings.ironic),
  fuel: (settings) => fuel(settings.fuel),
  manual,
};

/**
 * @param pumphouse what stands under that name in the destination's entry of clouds.yaml
 * @throws InvalidRequest naming the field
 */
export const openProvisioning = (name: ProvisionerName, pumphouse?: Fields): Provisioning => {
  const settings = readSettings(pumphouse);
  return { provisioner: PROVISIONERS[name](settings), settings };
};
