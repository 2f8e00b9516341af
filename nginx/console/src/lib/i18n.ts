// Texts of the interface. Each part of the console has one file per language; the keys of the English one are a type.

import { signal } from '@preact/signals';

export type Language = 'en' | 'de';
export const LANGUAGES: Record<Language, string> = { en: 'English', de: 'Deutsch' };

/** A text, or its forms by the plural rules of the language, chosen by the value `n`. Words in braces are values. */
export type Text = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
export type Values = Record<string, string | number>;
type File<K extends string> = () => Promise<{ default: Record<K, Text> }>;

const STORED = 'codasync-language';

function initial(): Language {
  const chosen = stored() ?? navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
  return chosen === 'de' ? 'de' : 'en';
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage is forbidden
  }
}

export const language = signal<Language>(initial());

/** The locale of dates and numbers: the browser's own variant of the language, such as en-GB. */
export function locale(): string {
  return navigator.languages.find((tag) => tag.startsWith(language.value)) ?? language.value;
}

const parts = new Set<(of: Language) => Promise<void>>();

/** Loads the texts of a language and shows them. */
export async function setLanguage(to: Language): Promise<void> {
  await Promise.all([...parts].map((load) => load(to)));
  language.value = to;
  document.documentElement.lang = to;
  try {
    localStorage.setItem(STORED, to);
  } catch {
    // storage is forbidden: the choice holds until the page is closed
  }
}

export interface Texts<K extends string> {
  /** Returns: the text in the current language; components that call it are rendered again when that changes. */
  t: (key: K, values?: Values) => string;
  /** Loads the texts of the current language; call it once before `t`. */
  load: () => Promise<void>;
}

/** The texts of a part of the console. */
export function textsOf<K extends string>(files: Record<Language, File<K>>): Texts<K> {
  const loaded: Partial<Record<Language, Record<K, Text>>> = {};
  const load = async (of: Language): Promise<void> => {
    loaded[of] ??= (await files[of]()).default;
  };
  return {
    load: () => {
      parts.add(load);
      return load(language.peek());
    },
    t: (key, values) => {
      const text = loaded[language.value]?.[key];
      if (text === undefined) return key;
      return fill(typeof text === 'string' ? text : pluralForm(text, Number(values?.['n'] ?? 0)), values);
    },
  };
}

function pluralForm(text: Exclude<Text, string>, n: number): string {
  return text[new Intl.PluralRules(language.value).select(n)] ?? text.other;
}

function fill(text: string, values: Values | undefined): string {
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === 'number' ? value.toLocaleString(locale()) : (value ?? '');
  });
}
