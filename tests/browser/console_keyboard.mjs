// A morning in a shop with the keyboard only. node console_keyboard.mjs FOLDER [NAME]

import assert from 'node:assert/strict';
import { day, eventually, gtin, Person, run } from './console.mjs';

const MILK = gtin(40);
const RICE = gtin(41);
const TABS_MAX = 80;

/** A person without a mouse. What has the focus and can be operated must be visible. */
class Keys {
  constructor(person) {
    this.page = person.page;
  }

  press(...keys) {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  /** Slower than a scanner. */
  type(text) {
    return this.page.keyboard.type(text, { delay: 70 });
  }

  /** Returns: the name of what has the focus; empty when nothing has it. Throws: AssertionError when it cannot be seen. */
  async focused() {
    const { name, fault } = await this.page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const element = document.activeElement;
      if (!element || element === document.body || element === document.documentElement) return { name: '', fault: '' };
      const name = (element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent ?? '').replace(/\s+/g, ' ').trim();
      const { left, top, width, height } = element.getBoundingClientRect();
      const within = (value, end) => Math.min(Math.max(value, 1), end - 2);
      const at = document.elementFromPoint(within(left + width / 2, innerWidth), within(top + height / 2, innerHeight));
      const style = getComputedStyle(element);
      const isHidden = at === null || !(element.contains(at) || at.contains(element));
      return { name, fault: isHidden ? `covered by ${at?.outerHTML.slice(0, 100)}` : element.tabIndex >= 0 && style.outlineStyle === 'none' ? 'without an outline' : '' };
    });
    assert.equal(fault, '', name);
    return name;
  }

  /** Presses Tab until this has the focus. */
  async tabTo(name, key = 'Tab') {
    const seen = [];
    for (let i = 0; i < TABS_MAX; i += 1) {
      await this.press(key);
      seen.push(await this.focused());
      if (typeof name === 'string' ? seen.at(-1) === name : name.test(seen.at(-1))) return;
    }
    assert.fail(`${name} is not among ${JSON.stringify(seen)}`);
  }

  async choose(name) {
    await this.tabTo(name);
    await this.press('Enter');
  }

  /** Chooses what opens a sheet. */
  async open(name) {
    const sheets = this.page.locator('dialog[open]');
    const next = sheets.nth(await sheets.count());
    await this.choose(name);
    await next.waitFor();
  }
}

const nameOf = (date, options) => new Date(`${date}T00:00:00Z`).toLocaleDateString('en-GB', { ...options, timeZone: 'UTC' });

await run({
  async 'arrows move between the rows of a list'({ service, browser, url }) {
    const shop = await service.shop('Arrows', [[MILK, 'Oat milk', day(1), 4], [RICE, 'Rice', day(2), 7]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.show('shelf');
    const keys = new Keys(anna);
    await anna.page.locator('.row').nth(1).waitFor();
    await anna.page.locator('.row').first().focus();
    for (const [key, name] of [['ArrowDown', /^Rice/], ['ArrowDown', /^Rice/], ['ArrowUp', /^Oat milk/]]) {
      await keys.press(key);
      assert.match(await keys.focused(), name);
    }
    await keys.press('Enter');
    await anna.page.locator('dialog', { hasText: 'Oat milk' }).waitFor();
    await anna.close();
  },

  async 'a morning: sign in, check, record, count, take back, search, sign out'({ service, browser, url }) {
    const shop = await service.shop('Keyboard', [[MILK, 'Oat milk', day(1), 4], [RICE, 'Rice', day(40), 7]]);
    const made = await service.token('Anna', { shops: [shop.id, (await service.shop('Another shop')).id] });
    const anna = await Person.with(browser, url, { viewport: { width: 1280, height: 720 }, hasTouch: false });
    const keys = new Keys(anna);
    const noSheet = () => anna.page.locator('dialog[open]').waitFor({ state: 'detached' });
    await anna.page.getByLabel('Access token').waitFor();
    assert.equal(await keys.focused(), 'Access token');
    await keys.type(made.token.slice(0, 6));
    await anna.page.keyboard.insertText(made.token.slice(6)); // pasted
    await keys.press('Enter');
    await anna.page.getByRole('heading', { name: 'Choose a shop' }).waitFor();
    await keys.choose(new RegExp(`^${shop.name}`));
    await anna.pill('Live').waitFor();

    // The work list: the milk is still there.
    await keys.choose('To do');
    await anna.page.locator('.group .row').first().waitFor();
    await keys.open(/^Oat milk/);
    await keys.open('Check');
    await keys.choose(/^Still /);
    await anna.page.locator('.group.fine .row', { hasText: 'Oat milk' }).waitFor();

    // A typed code, the month, the day, one unit more, a count.
    await keys.choose('Scan');
    await keys.tabTo('Code');
    await keys.type(RICE);
    await keys.press('Enter');
    await anna.page.locator('.card h2', { hasText: 'Rice' }).waitFor();
    const date = day(35);
    await keys.choose(new RegExp(`^${nameOf(date, { month: 'short' })} ${date.slice(0, 4)}$`));
    await keys.choose(new RegExp(`^\\w+,? ${nameOf(date, { day: 'numeric' })} `));
    await anna.page.locator('.card-recorded').waitFor();
    await keys.choose('+1 One more');
    await anna.page.locator('.card .quantity', { hasText: '× 8' }).waitFor();
    await keys.open('Count');
    await keys.tabTo('Units');
    await keys.type('12');
    await keys.press('Enter');
    await anna.page.locator('.card .quantity', { hasText: '× 12' }).waitFor();
    assert.equal(await keys.focused(), 'Count', 'the focus returns to what opened the sheet');

    // The count was wrong: Ctrl+Z undoes it. There was no further unit either: the history takes it back.
    await keys.press('Control+z');
    await anna.says('taken back');
    await anna.allSaved();
    await anna.page.locator('.card .quantity', { hasText: '× 8' }).waitFor();
    await keys.open('History');
    const unit = anna.page.locator('.history li', { hasText: 'Changed by +1' });
    await unit.waitFor();
    await keys.open('Take back');
    await keys.choose('Take back');
    await anna.page.locator('.history li.voided', { hasText: 'Changed by +1' }).waitFor();
    await keys.press('Escape');
    await noSheet();
    await anna.page.locator('.card .quantity', { hasText: '× 7' }).waitFor();

    // Ctrl+K searches the shelf; Enter on a row opens its card.
    await keys.press('Control+k');
    await anna.page.locator('.screen-shelf .page').waitFor();
    await eventually(async () => (await keys.focused()) === 'Name or number', 'the search has the focus');
    await keys.type('oat');
    await anna.page.locator('.row', { hasText: 'Rice' }).waitFor({ state: 'detached' });
    await keys.open(/^Oat milk/);
    await anna.page.locator('dialog .card h2', { hasText: 'Oat milk' }).waitFor();
    await keys.press('Escape');
    await noSheet();
    await eventually(async () => /^Oat milk/.test(await keys.focused()), 'the focus returns to the row');
    await keys.press('Control+k');
    await eventually(async () => (await keys.focused()) === 'Name or number', 'the search has the focus again');

    await keys.choose('Waiting');
    await anna.page.getByText('Everything is saved.').waitFor();
    await keys.tabTo('Menu', 'Shift+Tab');
    await keys.press('Enter');
    await anna.page.locator('dialog[open]').waitFor();
    await keys.choose('Sign out');
    await anna.page.getByLabel('Access token').waitFor();
    const { expiry_date, quantity } = await service.reading(shop.id, RICE);
    assert.deepEqual([expiry_date, quantity], [date, 7]);
    await anna.close();
  },
});
