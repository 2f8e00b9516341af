// The frame of every screen: bars, navigation and what is shown in between.

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { shop } from '../data/shops';
import { go, route } from '../lib/router';
import { identity, isAdmin } from '../lib/session';
import { queue } from '../queue/state';
import { t } from '../text/app';
import { Messages } from '../ui/announce';
import { Icon } from '../ui/icons';
import { Questions } from '../ui/sheet';
import { ChooseShop } from './choose_shop';
import { Menu, menuIsOpen } from './menu';
import { NewVersion } from './new_version';
import { Pill } from './pill';
import { Screen } from './screen';
import { SCREENS, type ScreenEntry, screenAt, startScreen } from './screens';
import { SignIn } from './sign_in';
import { UndoButton } from './undo';

export function Frame(): JSX.Element {
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {t('skip')}
      </a>
      {identity.value === null ? <SignIn /> : <Signed />}
      <Questions />
      <aside aria-label={t('messages')}>
        <Messages />
        <NewVersion />
      </aside>
    </>
  );
}

// The address after # is that of the screen, so the link moves the focus itself.
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

/** The element with the focus may belong to the screen before. */
function keepFocus(): void {
  if (document.activeElement === document.body) document.getElementById('content')?.focus({ preventScroll: true });
}

function Signed(): JSX.Element {
  const name = route.value.name;
  useEffect(() => {
    if (name === '') go(startScreen(), true);
  }, [name]);
  const visible = SCREENS.filter(({ role, place }) => place !== 'menu' && (role === 'staff' || isAdmin.value));
  const current = screenAt(name);
  const title = current ? t(current.title) : '';
  useEffect(() => {
    document.title = title === '' ? 'CodaSync' : `${title} · CodaSync`;
    return () => void (document.title = 'CodaSync');
  }, [title]);
  useEffect(keepFocus, [name]);
  return (
    <div class="frame">
      <header class="top">
        <ShopButton />
        <Pill />
        <UndoButton />
        <button type="button" class="quiet square" aria-label={t('menu')} aria-haspopup="dialog" onClick={() => (menuIsOpen.value = true)}>
          <Icon name="person" />
        </button>
      </header>
      <nav class="navigation" aria-label={t('main_navigation')}>
        <p class="brand" aria-hidden="true">
          CodaSync
        </p>
        {visible.map((screen) => (
          <Destination key={screen.name} screen={screen} current={screen === current} />
        ))}
      </nav>
      <main id="content" tabIndex={-1} class={`screen screen-${name}`}>
        {current?.needsShop && shop.value === null ? <ChooseShop /> : <Screen entry={current} />}
      </main>
      {menuIsOpen.value && <Menu />}
    </div>
  );
}

function Destination({ screen, current }: { screen: ScreenEntry; current: boolean }): JSX.Element {
  const waiting = screen.name === 'waiting' ? queue.value.waiting + queue.value.refused : 0;
  return (
    <a href={`#/${screen.name}`} class={`in-${screen.place}`} aria-current={current ? 'page' : undefined}>
      <Icon name={screen.icon} />
      <span>{t(screen.title)}</span>
      {waiting > 0 && <span class="badge">{waiting}</span>}
    </a>
  );
}

function ShopButton(): JSX.Element {
  const chosen = shop.value;
  if (chosen === null) return <p class="shop-name">CodaSync</p>;
  return (
    <button type="button" class="quiet shop-name" aria-label={t('shop_is', { name: chosen.name })} onClick={() => go('shop')}>
      <span>{chosen.name}</span>
      <Icon name="down" size={16} />
    </button>
  );
}
