/** The exercise itself is true: real clouds pass it. */
import { describe } from 'vitest';
import { exerciseClient } from './client-exercise.ts';
import { bedClouds } from './programs.ts';

describe('the OpenStack client on a real cloud lists, shows, creates and deletes', () => {
  exerciseClient(bedClouds, 'source');
});
