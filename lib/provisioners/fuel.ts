import { PumphouseError } from '../domain/errors.ts';
import type { Provisioner } from './provisioner.ts';
import type { Fields } from './settings.ts';

export const fuel = (_settings: Fields): Provisioner => {
  throw new PumphouseError('NotImplemented', 'Fuel is not built yet');
};
