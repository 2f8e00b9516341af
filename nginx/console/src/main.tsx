// The start of the console.

import './lib/theme';
import { render } from 'preact';
import { setLanguage, language } from './lib/i18n';
import { route } from './lib/router';
import { identity, refresh } from './lib/session';
import { loadShops } from './data/shops';
import { startLive } from './data/live';
import { startQueue } from './queue/start';
import { Frame } from './shell/frame';
import { screenAt, startScreen } from './shell/screens';
import { startKeys } from './shell/keys';
import { startUpdates } from './shell/updates';
import { app } from './text/app';

// The part of the screen in the address is loaded beside the texts.
if (identity.peek() !== null) void screenAt(route.peek().name || startScreen())?.load();
await app.load();
document.documentElement.lang = language.value;
const root = document.getElementById('app');
if (root) render(<Frame />, root);

startKeys();
void startQueue();
startLive();
void startUpdates();
if (identity.peek() !== null) {
  void refresh();
  void loadShops();
}
// A part of the console in another language may be loaded already.
void setLanguage(language.peek());
