// What a person did, waiting for the service. The form of stored entries never changes: an old version of the console may read them.

import type { Operation, Outcome, Problem } from '../lib/types';

export interface Entry {
  seq?: number; // the order; set by the database
  id: string; // of the operation; made when the person acts
  v: 1;
  device: string; // the scope of `id`, so it stays with the entry
  owner: string; // whose it is (ownerOf)
  actor: string; // the name, to show
  shop: number;
  op: Operation; // exactly what is sent; it never changes
  gtin: string; // of the product
  name: string; // to show
  date: string | null; // of a sighting or check; also the one that its codes say
  taken_at: number; // by the clock of the device
  state: 'queued' | 'refused';
  problem?: Problem;
}

export interface Done extends Entry {
  outcome: Outcome;
  done_at: number;
  event?: string; // its id in the history; entries of earlier versions have none
}
