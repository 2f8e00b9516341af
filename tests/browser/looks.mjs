// How a page looks, and whether people with other abilities can use it: at both sizes, in light and dark colours.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SIZES = [
  { width: 360, height: 740 },
  { width: 1440, height: 900 },
];

/**
 * Checks what a page shows now, and with a folder writes it as pictures: NAME-WIDTH-SCHEME.png. Throws: AssertionError when axe
 * finds a violation of WCAG 2.2 AA, or when the page scrolls sideways.
 */
export async function look(page, name, folder) {
  const before = page.viewportSize();
  for (const viewport of SIZES) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(200); // the transition of colours
      const where = `${name}, ${viewport.width} px, ${colorScheme}`;
      if (folder) await page.screenshot({ path: `${folder}/${name}-${viewport.width}-${colorScheme}.png` });
      const { violations } = await page.evaluate(`(() => { ${axe}; return axe.run({ runOnly: ${JSON.stringify(RULES)} }); })()`);
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3).join(' ')}`), [], where);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(sideways <= 0, `${where}: it scrolls sideways by ${sideways} px`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}
