// Every screen of staff: without violations of axe, as pictures, and fast with many rows. node console_looks.mjs FOLDER [NAME]
//
// The pictures are in the folder CODASYNC_SCREENSHOTS when it is set; those of the README in CODASYNC_README_PICTURES.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { day, gtin, Person, run } from './console.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = process.env.CODASYNC_SCREENSHOTS;
const readme = process.env.CODASYNC_README_PICTURES;
// The pictures of the README.
const README = { 'card-phone-light': 'card', 'todo-phone-light': 'todo', 'waiting-phone-dark': 'waiting', 'shelf-desk-light': 'shelf' };

const FOOD = ['Green tea', 'Oat milk', 'Wholemeal bread', 'Strawberry yoghurt', 'Vegetable soup', 'Tomato passata', 'Brown rice', 'Hazelnut biscuits', 'Smoked tofu', 'Orange juice'];

async function looks(person, name, size, scheme) {
  // Its policy allows no `eval` of the checker's text: these pages run with bypassCSP, all others without.
  await person.page.evaluate(axe);
  const { violations } = await person.page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`);
  assert.deepEqual(found, [], `${name}, ${size}, ${scheme}`);
  const sideways = await person.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(sideways <= 0, `${name}, ${size}: it scrolls sideways by ${sideways} px`);
  const picture = README[`${name}-${size}-${scheme}`];
  if (readme && picture) {
    const devtools = await person.context.newCDPSession(person.page);
    const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
    writeFileSync(path.join(readme, `${picture}.webp`), Buffer.from(data, 'base64'));
  }
  if (pictures) await person.page.screenshot({ path: path.join(pictures, `${name}-${size}-${scheme}.png`) });
}

const SIZES = { phone: { width: 360, height: 780 }, desk: { width: 1440, height: 900 } };

await run({
  async 'every screen has no violation of axe, at both sizes, light and dark'({ service, network, browser, url }) {
    const shop = await service.shop('Main Street', FOOD.map((name, n) => [gtin(100 + n), name, n === 9 ? undefined : day(n - 2), n * 3]));
    for (const [n, category] of ['Tea', 'Drinks', 'Bakery'].entries()) await service.must('PATCH', `/products/${gtin(100 + n)}`, { category });
    const made = await service.token('Anna', { shops: [shop.id] });
    const reading = await service.reading(shop.id, gtin(104));
    await service.must('POST', `/stock-readings/${reading.id}/adjust`, { delta: 1 }, made.token);
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark']) {
        network.set('pass');
        const anna = await Person.with(browser, url, { viewport, colorScheme, hasTouch: size === 'phone', bypassCSP: true, deviceScaleFactor: pictures || readme ? 2 : 1, reducedMotion: 'reduce' });
        const check = (name) => looks(anna, name, size, colorScheme);
        await anna.page.getByLabel('Access token').waitFor();
        await check('sign-in');
        await anna.signIn(made.token, shop);
        await anna.pill('Live').waitFor();
        await check('scan');
        await anna.find(gtin(104));
        await anna.page.locator('.months').waitFor();
        await check('card');
        await anna.page.locator('.months button').nth(1).click();
        await check('days');
        await anna.button('Other month').click();
        await anna.button('Type').click();
        await check('typed-date');
        await anna.button('Back').click();
        await anna.button('Later').click();
        await check('years');
        for (const [button, name] of [['Check', 'check'], ['Count', 'count'], ['History', 'history']]) {
          await anna.button(button, { exact: true }).click();
          await anna.page.locator('dialog[open]').waitFor();
          if (name === 'history') await anna.page.locator('.history li').first().waitFor();
          await check(name);
          await anna.page.keyboard.press('Escape');
        }
        await anna.show('todo');
        await anna.page.locator('.group .row').first().waitFor();
        await check('todo');
        await anna.page.locator('.row').first().click();
        await check('todo-card');
        await anna.page.keyboard.press('Escape');
        await anna.show('shelf');
        await anna.page.locator('.row').nth(8).waitFor();
        await check('shelf');
        await anna.show('scanner');
        await check('scanner-check');
        await anna.page.evaluate(() => (location.hash = '#/shop'));
        await anna.page.getByRole('heading', { name: 'Choose a shop' }).waitFor();
        await check('shops');
        await anna.button('Menu').click();
        await check('menu');
        await anna.page.keyboard.press('Escape');
        await anna.show('scan');
        network.set('refuse');
        await anna.pill('Offline').waitFor();
        await anna.find(gtin(105));
        await anna.button('One more').click();
        await anna.show('waiting');
        await anna.page.locator('.entry').first().waitFor();
        await check('waiting');
        network.set('pass');
        await anna.allSaved();
        await anna.close();
      }
    }
  },

  async 'a list of 1,000 rows scrolls without a long task'({ service, browser, url }) {
    const shop = await service.shop('Large', [...Array(1_000).keys()].map((n) => [gtin(5_000 + n), `${FOOD[n % 10]} ${n}`, day(-3 + (n % 4)), n % 50]));
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.show('todo');
    await anna.page.locator('.group .row').first().waitFor();
    await browser.startTracing(anna.page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] });
    await anna.page.evaluate(async () => {
      for (let step = 0; step < 120; step += 1) {
        scrollBy(0, 600);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    });
    await anna.page.locator('.group .row').nth(999).waitFor({ state: 'attached' });
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const main = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid}/${tid}`));
    // The processor time of a task, so that other work on this machine is not counted.
    const tasks = traceEvents.filter(({ name, pid, tid, tdur }) => /RunTask$/.test(name) && main.has(`${pid}/${tid}`) && tdur !== undefined);
    const longest = Math.max(...tasks.map(({ tdur }) => tdur)) / 1000;
    console.log(`     ${tasks.length} tasks, the longest took ${longest.toFixed(1)} ms of the processor`);
    assert.ok(tasks.length > 100 && longest <= 50, `${longest} ms`);
    await anna.close();
  },
});
