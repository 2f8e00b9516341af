// The page /shop/{id}: a sample of a storefront, with public addresses only.

import { render } from 'preact';
import { language } from '../lib/i18n';
import { start } from './page';
import { Panel } from './panel';
import { Storefront } from './view';
import { load } from './words';

start();
document.documentElement.lang = language.value;
await load();
render(
  <>
    <Storefront />
    <Panel />
  </>,
  document.getElementById('app') as HTMLElement,
);
