// Addresses of the screens: #/name or #/name/argument?key=value. Nothing else of the address is used.

import { computed, signal } from '@preact/signals';

export interface Route {
  name: string;
  argument: string;
  query: URLSearchParams;
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name = '', argument = ''] = path.split('/');
  return { name, argument: decode(argument), query: new URLSearchParams(query) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>(read());
export const screenName = computed(() => route.value.name);

addEventListener('hashchange', () => {
  route.value = read();
});

/** Shows a screen; `replace` leaves no entry in the history. */
export function go(to: string, replace = false): void {
  const address = `#/${to}`;
  if (location.hash === address) return;
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  route.value = read();
}
