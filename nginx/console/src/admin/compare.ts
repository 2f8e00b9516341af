// When another person changed a row first: what is different, and what of it a person has to decide.

export type Value = string | number | null;
export type Fields = Readonly<Record<string, Value>>;
export type Choice = 'yours' | 'now';

/** A field whose value in the form is not the stored one. */
export interface Difference {
  field: string;
  yours: Value;
  now: Value;
  /** null: both changed it, to different values, and the person decides. */
  choice: Choice | null;
}

/**
 * Compares the row that the form began with, what the person entered, and the row as it is now.
 * A field that only one of the two changed has that one's value as its choice.
 */
export function compare(base: Fields, yours: Fields, now: Fields): Difference[] {
  return Object.keys(yours).flatMap((field) => {
    const [was, mine, theirs] = [base[field] ?? null, yours[field] ?? null, now[field] ?? null];
    if (mine === theirs) return [];
    const choice = mine === was ? 'now' : theirs === was ? 'yours' : null;
    return [{ field, yours: mine, now: theirs, choice }];
  });
}

/** Returns: the fields that a PATCH has to send after all choices; an undecided one is left as it is now. */
export function decided(differences: readonly Difference[]): Fields {
  return Object.fromEntries(differences.filter(({ choice }) => choice === 'yours').map(({ field, yours }) => [field, yours]));
}

/** Returns: the fields that differ from the row that the form began with. */
export function changes(base: Fields, yours: Fields): Fields {
  return Object.fromEntries(Object.entries(yours).filter(([field, value]) => value !== (base[field] ?? null)));
}
