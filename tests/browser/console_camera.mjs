// The camera of the console, with films instead of a lens. node console_camera.mjs FOLDER [NAME]

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, gtin, launch, Person, run } from './console.mjs';
import { film } from './film.mjs';

const TEA = gtin(1);
const OATS = gtin(2);

/** Runs it in a browser whose camera shows the scenes again and again. */
async function withFilm(scenes, url, use) {
  const folder = mkdtempSync(path.join(tmpdir(), 'codasync-film.'));
  const file = path.join(folder, 'film.y4m');
  await film(file, scenes);
  const browser = await launch({ args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${file}`] });
  try {
    await use(await Person.with(browser, url, { permissions: ['camera'] }));
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await run({
  async 'a code with a date is recorded without a tap, once while it is in view'({ service, network, url }) {
    const shop = await service.shop('Camera', [[TEA, 'Green tea']]);
    await withFilm([['(01)0' + TEA + '(17)271224(10)ABC123(21)77', 'DataMatrix', 2, 'gs1']], url, async (anna) => {
      await anna.signIn(service.staff, shop);
      await anna.pill('Live').waitFor();
      await anna.button('Start camera').click();
      const started = Date.now();
      await anna.page.locator('.card h2', { hasText: 'Green tea' }).waitFor();
      console.log(`     from the tap to the card, with the start of the decoder: ${Date.now() - started} ms`);
      await anna.page.locator('.card-recorded').waitFor();
      await anna.page.waitForTimeout(5_000);
      await anna.allSaved();
      const events = (await service.history(shop.id, TEA)).filter(({ expiry_date }) => expiry_date);
      assert.deepEqual(events.map(({ expiry_date, date_kind }) => [expiry_date, date_kind]), [['2027-12-24', 'use_by']]);
      assert.deepEqual(network.operations.map(({ codes }) => codes), [[`]d2010${TEA}1727122410ABC123\u001d2177`]]);
      await anna.close();
    });
  },

  async 'codes of all kinds that are shown in turn are read in their order'({ service, network, url }) {
    const shop = await service.shop('Film', [[TEA, 'Green tea'], [OATS, 'Oats'], ['96385074', 'Mints'], ['036000291452', 'Tissues'], ['10614141000415', 'Crate']]);
    const kinds = [
      [TEA, 'EAN13'],
      ['96385074', 'EAN8'],
      ['036000291452', 'UPCA'],
      ['10614141000415', 'ITF'],
      ['(01)0' + OATS + '(15)271231', 'Code128', 'gs1'],
      ['(01)0' + OATS + '(17)271130', 'QRCode', 'gs1'],
      ['(01)0' + OATS + '(17)271030', 'DataBarExp', 'gs1'],
    ];
    const scenes = kinds.flatMap(([text, format, options]) => [[text, format, 2.5, options], ['', '', 1.5]]);
    await withFilm(scenes, url, async (anna) => {
      await anna.signIn(service.staff, shop);
      await anna.pill('Live').waitFor();
      await anna.button('Start camera').click();
      for (const name of ['Green tea', 'Mints', 'Tissues', 'Crate']) await anna.page.locator('.card h2', { hasText: name }).waitFor({ timeout: 60_000 });
      await eventually(() => network.operations.length >= 3, 'the dates are recorded', 60);
      await anna.allSaved();
      const dates = (await service.history(shop.id, OATS)).flatMap(({ expiry_date }) => expiry_date ?? []).slice(0, 3);
      assert.deepEqual([...dates].sort(), ['2027-10-30', '2027-11-30', '2027-12-31']);
      await anna.close();
    });
  },

  async 'a camera that is not allowed is explained, and typing works'({ service, browser, url }) {
    const shop = await service.shop('Refused camera', [[TEA, 'Green tea']]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
    });
    await anna.button('Start camera').click();
    await anna.page.getByText('The camera is not allowed.').waitFor();
    await anna.find(TEA);
    await anna.page.locator('.card h2', { hasText: 'Green tea' }).waitFor();
    await anna.close();
  },
});
