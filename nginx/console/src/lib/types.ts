// The resources of the API that the console uses (/openapi.json has the whole contract).

export type Role = 'staff' | 'admin';
export type DateKind = 'use_by' | 'best_before' | 'sell_by';
export type Outcome = 'applied' | 'kept' | 'duplicate';

export interface Identity {
  name: string;
  role: Role;
  shops: number[]; // empty: all shops
  ends: string | null;
  token_id: number;
  person?: string | null; // waiting entries belong to a person, and to the token without one
}

export interface Shop {
  id: number;
  name: string;
  time_zone: string;
  version: number;
}

export interface Reading {
  id: number;
  shop: number;
  GTIN: string;
  name: string;
  expiry_date: string | null;
  date_kind: DateKind | null;
  quantity: number | null;
  available: boolean;
  expired: boolean;
  version: number;
  product_version?: number; // in the change feed only
  observed_at: string;
  checked_at: string | null;
  counted_at: string | null;
  updated_at: string;
}

export interface RemovedReading {
  id: number;
  shop: number;
  GTIN: string;
  version: number;
  product_version: number;
  removed: true;
}

export type Change = (Reading & { removed?: undefined }) | RemovedReading;

export type Reason = 'miscounted' | 'expired' | 'due' | 'never_checked' | 'stale';
export type WorkItem = Reading & { reason: Reason };

export interface Product {
  GTIN: string;
  name: string;
  brand: string | null;
  category: string | null;
  version: number;
}

export type EventKind = 'sighting' | 'check' | 'count' | 'adjust' | 'remove' | 'void';

export interface StockEvent {
  id: string;
  reading: number;
  kind: EventKind;
  expiry_date: string | null;
  date_kind: DateKind | null;
  quantity: number | null;
  delta: number | null;
  observed_at: string;
  received_at: string;
  actor: string;
  reason: string | null;
  outcome: Outcome;
  version: number;
  voids: string | null;
  voided_by: string | null;
  voidable: boolean; // by this person, now
}

export interface FeedPage {
  epoch: string;
  shop: Shop;
  changes: Change[];
  next: string;
  more: boolean;
}

/** An operation of POST /sync. */
export interface Operation {
  id: string;
  kind: EventKind;
  GTIN?: string;
  codes?: string[];
  name?: string;
  expiry_date?: string | null;
  date_kind?: DateKind | null;
  quantity?: number;
  delta?: number;
  voids?: string;
  voids_operation?: string;
  reason?: string;
  observed_at: string;
}

export interface SyncResult {
  id: string;
  event?: string;
  outcome: Outcome | 'rejected';
  reading?: Change;
  problem?: Problem;
}

export interface SyncAnswer extends FeedPage {
  clock_offset_ms: number;
  results: SyncResult[];
}

/** RFC 9457. Status 0: there was no answer of the service; `type` says why. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  errors?: Record<string, string[]>;
  quantity?: number;
  version?: number;
}
