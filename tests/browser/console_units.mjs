// Pure parts of the console: node console_units.mjs SOURCES TABLE-OF-CODES

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [sources, table] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'codasync-units.'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const esbuild = await import(pathToFileURL(path.join(process.env.CODASYNC_CONSOLE_MODULES, 'esbuild/lib/main.js')));

/** Returns: the exports of a source of the console. */
async function load(file) {
  const outfile = path.join(folder, `${path.basename(file, '.ts')}.mjs`);
  await esbuild.build({ entryPoints: [path.join(sources, file)], bundle: true, format: 'esm', outfile, logLevel: 'error' });
  return import(pathToFileURL(outfile));
}

const { readCode, merge, canonical } = await load('scan/gs1.ts');
const { SeenCodes } = await load('scan/seen.ts');
const { dateOfDigits } = await load('staff/typed_date.ts');
const { effectOf } = await load('queue/overlay.ts');

// The table of codes with which the service's reader is tested. Codes that it does not read may be read here as a product;
// the service then refuses them with its reason. What both read has to be the same.
let compared = 0;
for (const line of readFileSync(table, 'utf8').trim().split('\n')) {
  const { why, code, gtin, date, kind, lot, restricted, upc_e, separator, error_at, form, today } = JSON.parse(line);
  if (upc_e || separator) continue; // settings of the service that the console does not use
  const read = readCode(code, today ? Number(today.slice(0, 4)) : 2026);
  if (error_at !== undefined || form === 'plain_text') {
    if (form === 'gtin' || /date|month|February|check digit/.test(why)) assert.ok(read.error || read.date === null, `${why}: ${code}`);
    continue;
  }
  compared += 1;
  assert.equal(read.error, null, `${why}: ${code}`);
  assert.deepEqual([read.gtin ?? undefined, read.date ?? undefined, read.kind ?? undefined], [gtin, date, kind], `${why}: ${code}`);
  if (lot !== undefined) assert.equal(read.lot, lot, why);
  if (gtin) assert.equal(read.restricted, restricted ?? false, `${why}: ${code}`);
}
assert.ok(compared > 50, `${compared} codes`);

assert.equal(readCode('010952123454321310ABCDEFGHIJ21KLMNOPQRSTUV').error, 'separator_lost');
// A misread EAN that can be read as another element (400, a customer's order) is said to be misread.
assert.equal(readCode('4006381333930').error, 'check_digit');
assert.equal(canonical('00000096385074'), '96385074');
assert.equal(canonical('0000000000000'), null);
const product = readCode('4006381333931');
assert.deepEqual(merge(product, readCode(']d217261224')).date, '2026-12-24');
assert.equal(merge(product, readCode('9521234543213')), null);

// A pack counts once while it is in view, an unsure code only when it was read twice.
const sure = { code: ']E04006381333931', unsure: false };
const unsure = { code: ']E496385074', unsure: true };
const seen = new SeenCodes();
assert.deepEqual(seen.take([sure], 0), [sure.code]);
for (let at = 100; at <= 5_000; at += 100) assert.deepEqual(seen.take([sure], at), []);
assert.deepEqual(seen.take([], 5_500), []);
assert.deepEqual(seen.take([sure], 5_700), []);
assert.deepEqual(seen.take([sure], 6_600), [sure.code]);
assert.deepEqual(seen.take([unsure], 7_000), []);
assert.deepEqual(seen.take([unsure], 7_100), [unsure.code]);
assert.deepEqual(seen.take([unsure], 10_000), []);
assert.deepEqual(seen.take([unsure], 12_000), []);

for (const [digits, locale, date] of [
  ['2412', 'de-DE', '2026-12-24'],
  ['0112', 'de-DE', '2026-12-01'],
  ['2911', 'de-DE', '2027-11-29'],
  ['2902', 'de-DE', '2028-02-29'],
  ['24.12.26', 'de-DE', '2026-12-24'],
  ['24122026', 'en-GB', '2026-12-24'],
  ['122426', 'en-US', '2026-12-24'],
  ['3102', 'de-DE', null],
  ['290227', 'de-DE', null],
  ['31121999', 'de-DE', null],
  ['241', 'de-DE', null],
]) {
  assert.equal(dateOfDigits(digits, locale, '2026-11-30'), date, `${digits} ${locale}`);
}

// The effect of entries that wait is that of the service: the earlier date wins, a check replaces, a void removes.
const entry = (id, op, date = null) => ({ op: { id, observed_at: '2026-11-30T09:00:00Z', ...op }, name: 'Tea', date });
const reading = { name: 'Green tea', expiry_date: '2026-12-20', quantity: 5, checked_at: null };
const after = (...entries) => {
  const { expiry_date, quantity, removed, waits } = effectOf('4006381333931', '', reading, entries);
  return [expiry_date, quantity, removed, waits];
};
assert.deepEqual(after(), ['2026-12-20', 5, false, false]);
assert.deepEqual(after(entry('a', { kind: 'sighting' }, '2026-12-24')), ['2026-12-20', 5, false, true]);
assert.deepEqual(after(entry('a', { kind: 'sighting' }, '2026-12-18')), ['2026-12-18', 5, false, true]);
assert.deepEqual(after(entry('a', { kind: 'check', expiry_date: null })), [null, 5, false, true]);
assert.deepEqual(after(entry('a', { kind: 'count', quantity: 12 }), entry('b', { kind: 'adjust', delta: -2 })), ['2026-12-20', 10, false, true]);
assert.deepEqual(after(entry('a', { kind: 'adjust', delta: 3 }), entry('b', { kind: 'void', voids_operation: 'a' })), ['2026-12-20', 5, false, true]);
assert.deepEqual(after(entry('a', { kind: 'remove' })), ['2026-12-20', 5, true, true]);

// A hardware scanner with 45 ms between its keys, of which Shift, Control and Alt are some.
let time = 1_000;
let timer = null;
const window = { setTimeout: (run, after) => void (timer = { run, at: time + after }) };
Object.assign(globalThis, { window, clearTimeout: () => void (timer = null), document: new EventTarget(), HTMLElement: class {}, HTMLInputElement: class {} });
const { Wedge } = await load('scan/wedge.ts');
const scanned = [];
new Wedge((code) => scanned.push(code)).start();
const pass = (ms) => {
  time += ms;
  if (timer && timer.at <= time) timer.run();
};
const key = (type, key, code, modifiers = {}) => {
  const event = Object.assign(new Event(type, { cancelable: true }), { key, code, isComposing: false, shiftKey: false, ctrlKey: false, altKey: false, ...modifiers });
  Object.defineProperty(event, 'timeStamp', { value: time });
  document.dispatchEvent(event);
};
const press = (...of) => {
  pass(45);
  key('keydown', ...of);
};
const digits = (text) => [...text].forEach((digit) => press(digit, `Digit${digit}`));
digits('0109521234543213');
press('Control', 'ControlLeft');
press(']', 'BracketRight', { ctrlKey: true });
digits('10');
press('Shift', 'ShiftLeft');
press('B', 'KeyB', { shiftKey: true });
press('Alt', 'AltLeft');
for (const digit of '029') press(digit, `Numpad${digit}`, { altKey: true });
key('keyup', 'Alt', 'AltLeft');
digits('2177');
assert.deepEqual(scanned, []);
pass(120);
assert.deepEqual(scanned, ['0109521234543213\u001d10B\u001d2177']);
// A person who types is no scanner.
for (const digit of '4006381333931') {
  pass(130);
  key('keydown', digit, `Digit${digit}`);
}
pass(1_000);
assert.equal(scanned.length, 1);

console.log(`${compared} codes of the table are read as by the service`);
