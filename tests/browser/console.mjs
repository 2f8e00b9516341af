// What the tests of the console share: a network that can fail, people in browsers, and the service as it really is.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** The stack of config/up, and its service over HTTP. */
export class Service {
  constructor(folder) {
    this.folder = folder;
    const env = Object.fromEntries(readFileSync(path.join(folder, 'env'), 'utf8').trim().split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    this.url = env.CODASYNC_URL;
    this.admin = env.CODASYNC_ADMIN_TOKEN;
    this.staff = env.CODASYNC_STAFF_TOKEN;
    this.database = env.CODASYNC_DATABASE_URL;
  }

  async ask(method, address, body, token = this.admin) {
    const headers = { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) };
    const answer = await fetch(`${this.url}/api/v1${address}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async must(method, address, body, token) {
    const answer = await this.ask(method, address, body, token);
    assert.ok(answer.status < 300, `${method} ${address}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Makes a shop with readings: [GTIN, name, date, quantity]. */
  async shop(name, readings = []) {
    const draft = { name, time_zone: 'Europe/Berlin' };
    const first = await this.ask('POST', '/shops', draft);
    // The name is taken when the tests run again on the same stack.
    const made = first.status === 201 ? first.body : await this.must('POST', '/shops', { ...draft, name: `${name} ${Date.now() % 1e6}` });
    for (let at = 0; at < readings.length; at += 500) {
      const items = readings.slice(at, at + 500).map(([GTIN, product, expiry_date, quantity], n) => ({
        id: `${made.id}-${at + n}`, op: 'record', shop: made.id, GTIN, name: product,
        ...(expiry_date ? { expiry_date } : {}), ...(quantity === undefined ? {} : { quantity }),
      }));
      // An item without a result was not decided: it is sent again.
      for (let left = items; left.length > 0; ) {
        const { results } = await this.must('POST', '/stock-readings/batch', { items: left });
        for (const result of results) assert.notEqual(result.outcome, 'rejected', JSON.stringify(result));
        const decided = new Set(results.map(({ id }) => id));
        left = left.filter(({ id }) => !decided.has(id));
      }
    }
    return made;
  }

  async token(name, { shops = [], role = 'staff', person } = {}) {
    return this.must('POST', '/tokens', { name, role, ...(shops.length ? { shops } : {}), ...(person ? { person } : {}) });
  }

  reading(shop, gtin) {
    return this.ask('GET', `/shops/${shop}/stock/${gtin}`).then(({ status, body }) => (status === 404 ? null : body));
  }

  async history(shop, gtin) {
    const reading = await this.reading(shop, gtin);
    return reading === null ? [] : this.must('GET', `/stock-readings/${reading.id}/history?limit=1000`);
  }

  pid(name = 'service-1') {
    const starts = [...readFileSync(path.join(this.folder, 'logs/supervisor.log'), 'utf8').matchAll(new RegExp(` ${name} (?:is ready|restarted) \\(pid (\\d+)\\)`, 'g'))];
    return Number(starts.at(-1)[1]);
  }

  /** Kills the process of the service; its supervisor starts another one. */
  kill() {
    execFileSync('kill', ['-KILL', String(this.pid())]);
  }

  /** Changes the database as its owner. */
  sql(statement) {
    execFileSync('psql', [this.database, '--quiet', '--command', statement]);
  }

  /** The page as it was deployed. */
  get site() {
    return path.join(this.folder, 'program/nginx/console/site');
  }
}

/**
 * The network between the browser and Nginx. `mode`: pass; refuse (no connection); cut (the request arrives, the answer does
 * not); page (a network that answers with its own page); busy (503 with Retry-After); slow (an answer takes `delay` ms).
 */
export class Network {
  constructor(target) {
    this.target = new URL(target);
    this.mode = 'pass';
    this.delay = 0;
    this.syncs = []; // ids of the operations of each request to /sync
    this.operations = []; // of all these requests
    this.requests = [];
    this.sockets = new Set();
    this.server = http.createServer((request, response) => this.pass(request, response));
    this.server.on('connection', (socket) => {
      if (this.mode === 'refuse') socket.destroy();
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  /** Also open connections, such as streams, end when the network is lost. */
  set(mode) {
    this.mode = mode;
    if (mode !== 'pass') for (const socket of this.sockets) socket.destroy();
  }

  pass(request, response) {
    const chunks = [];
    request.on('error', () => undefined);
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      const isApi = request.url.startsWith('/api/');
      this.requests.push({ method: request.method, url: request.url });
      if (this.mode === 'refuse') return request.socket.destroy();
      if (request.url === '/api/v1/sync') {
        const { operations } = JSON.parse(body.toString());
        this.operations.push(...operations);
        this.syncs.push(operations.map(({ id }) => id));
      }
      if (isApi && this.mode === 'page') return response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Welcome to the hotel</h1>');
      if (isApi && this.mode === 'busy') return response.writeHead(503, { 'Content-Type': 'application/problem+json', 'Retry-After': '2' }).end('{"type":"urn:codasync:problem:unavailable","title":"","status":503,"detail":""}');
      const cut = this.mode === 'cut' && request.url === '/api/v1/sync';
      if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
      const passed = http.request({ host: this.target.hostname, port: this.target.port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
        if (cut) {
          answer.resume();
          answer.on('end', () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      passed.on('error', () => request.socket.destroy());
      response.on('close', () => passed.destroy());
      passed.end(body);
    });
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const launch = (options = {}) => chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox: false, ...options });
export const launchPersistent = (folder, options = {}) => chromium.launchPersistentContext(folder, { executablePath: '/usr/bin/chromium', chromiumSandbox: false, ...options });

// Modifiers in the protocol of the browser's tools.
const ALT = 1;
const CONTROL = 2;
const SHIFT = 8;
// What the keys of an American keyboard say on a French one, without and with Shift; the others say the same.
const FRENCH = { Digit0: 'à0', Digit1: '&1', Digit2: 'é2', Digit3: '"3', Digit4: "'4", Digit5: '(5', Digit6: '-6', Digit7: 'è7', Digit8: '_8', Digit9: 'ç9', KeyA: 'qQ', KeyQ: 'aA', KeyW: 'zZ', KeyZ: 'wW', BracketRight: '$£' };
const PHONE = { viewport: { width: 360, height: 780 }, hasTouch: true, locale: 'en-GB', timezoneId: 'Europe/Berlin' };

/** Watches a page: errors, violations of the policy and requests to other hosts fail the test at the end. */
export function watch(page, url) {
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error.stack)));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted Type/i.test(message.text())) page.faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) page.faults.push(`another host: ${request.url()}`);
  });
  return page;
}

/** A person with a browser. Everything is as for a user: buttons by their names. */
export class Person {
  constructor(context, url) {
    this.context = context;
    this.url = url;
  }

  static async with(browser, url, options = {}) {
    return new Person(await browser.newContext({ ...PHONE, ...options }), url).open();
  }

  async open() {
    this.page = watch(await this.context.newPage(), this.url);
    await this.page.goto(`${this.url}/`);
    return this;
  }

  async signIn(token, shop) {
    await this.page.getByLabel('Access token').fill(token);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    if (shop) await this.choose(shop);
    return this;
  }

  async choose(shop) {
    const top = this.page.locator('.top .shop-name').getByText(shop.name);
    const row = this.page.locator('.row', { has: this.page.getByText(shop.name, { exact: true }) });
    await top.or(row).first().waitFor();
    if (await row.count()) await row.click();
    await top.waitFor();
    await this.page.locator('.screen-scan').waitFor();
  }

  async show(screen) {
    await this.page.evaluate((name) => (location.hash = `#/${name}`), screen);
    await this.page.locator(`.screen-${screen} .page`).waitFor();
  }

  /** Enters the number of a product. It comes in one piece, as from an input method, so the console takes it without a button. */
  async find(code) {
    const field = this.page.getByLabel('Code', { exact: true });
    await field.fill(code);
    await eventually(async () => (await field.inputValue()) === '', 'the code is taken');
  }

  /** Taps month and day of a date on the date pad. */
  async tapDate(date) {
    const of = (options) => new Date(`${date}T00:00:00Z`).toLocaleDateString('en-GB', { ...options, timeZone: 'UTC' });
    await this.page.getByRole('group', { name: 'Month' }).last().getByRole('button', { name: of({ month: 'short', year: 'numeric' }) }).click();
    await this.page.getByRole('group', { name: 'Day' }).last().getByRole('button', { name: new RegExp(`^\\w+,? ${of({ day: 'numeric' })} `) }).click();
  }

  /**
   * Keys at the speed of a hardware scanner, with `delay` ms between two of them. The scanner presses the keys of an American
   * keyboard; with `french` the device takes them for a French one. `separator`: how it sends GS: 'Ctrl+]' or 'Alt+029'.
   */
  async wedge(text, { end = 'Enter', delay = 5, french = false, separator = 'Ctrl+]' } = {}) {
    const devtools = await this.context.newCDPSession(this.page);
    // The time of each key is part of the event, so that a slow machine does not make a slow scanner.
    let timestamp = Date.now() / 1000;
    const sent = [];
    const send = (type, key, code, modifiers, text) => sent.push(devtools.send('Input.dispatchKeyEvent', { type, key, code, modifiers, timestamp, text, unmodifiedText: text }));
    const down = (key, code, modifiers = 0, text = undefined) => {
      timestamp += delay / 1000;
      send('keyDown', key, code, modifiers, text);
    };
    const press = (key, code, modifiers = 0, text = undefined) => {
      down(key, code, modifiers, text);
      send('keyUp', key, code, modifiers);
    };
    const held = (key, code, modifier, keys) => {
      down(key, code, modifier);
      keys();
      send('keyUp', key, code, 0);
    };
    for (const character of text) {
      const code = /\d/.test(character) ? `Digit${character}` : /[A-Za-z]/.test(character) ? `Key${character.toUpperCase()}` : '';
      const says = (shift) => (french && FRENCH[code]?.[shift]) || character;
      if (character !== '\u001d') {
        if (/[A-Z]/.test(character)) held('Shift', 'ShiftLeft', SHIFT, () => press(says(1), code, SHIFT, says(1)));
        else press(says(0), code, 0, says(0));
      } else if (separator === 'Ctrl+]') {
        held('Control', 'ControlLeft', CONTROL, () => press(french ? '$' : ']', 'BracketRight', CONTROL));
      } else {
        held('Alt', 'AltLeft', ALT, () => ['0', '2', '9'].forEach((digit) => press(digit, `Numpad${digit}`, ALT)));
      }
    }
    if (end) press(end, end, 0, end === 'Enter' ? '\r' : undefined);
    await Promise.all(sent);
    await devtools.detach();
  }

  pill(text) {
    return this.page.locator('.pill', { hasText: text });
  }

  button(name, options = {}) {
    return this.page.getByRole('button', { name, ...options });
  }

  /** The message about the last action. */
  async says(text) {
    await this.page.locator('.message', { hasText: text }).waitFor({ timeout: 10_000 });
  }

  /** Returns: the number of entries in the database of the queue. */
  waiting() {
    return this.page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const opened = indexedDB.open('codasync-queue');
          opened.onerror = () => reject(opened.error);
          opened.onsuccess = () => {
            const count = opened.result.transaction('entries').objectStore('entries').count();
            count.onsuccess = () => {
              opened.result.close();
              resolve(count.result);
            };
          };
        }),
    );
  }

  /** Waits until nothing waits to be sent. */
  async allSaved() {
    await eventually(async () => (await this.waiting()) === 0, 'nothing waits', 30);
  }

  async close() {
    assert.deepEqual(this.page.faults, []);
    await this.context.close();
  }
}

/** Waits until it holds. */
export async function eventually(holds, what, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await holds();
    if (value) return value;
    assert.ok(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns: a GTIN-13 that no other test uses. */
export function gtin(n) {
  const digits = `952${String(n).padStart(9, '0')}`;
  const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0);
  return digits + String((10 - (sum % 10)) % 10);
}

/** Returns: a civil date, some days from today in the shops of the tests. */
export function day(days) {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin' }).format(Date.now() + days * 86_400_000);
}

/** Runs the tests of a script: node SCRIPT FOLDER [NAME]. */
export async function run(tests) {
  const [, , folder, only] = process.argv;
  const service = new Service(folder);
  for (const [name, test] of Object.entries(tests)) {
    if (only && !name.includes(only)) continue;
    const started = Date.now();
    const network = await new Network(service.url).start();
    const browser = await launch();
    try {
      await test({ service, network, browser, url: network.url });
      console.log(`ok   ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      console.log(`FAIL ${name}\n${error.stack}`);
      for (const context of browser.contexts()) {
        for (const page of context.pages()) {
          console.log(`     ${page.url()} ${JSON.stringify(page.faults ?? [])}`);
          if (process.env.CODASYNC_SCREENSHOTS) await page.screenshot({ path: path.join(process.env.CODASYNC_SCREENSHOTS, `failed-${name.replace(/\W+/g, '-')}.png`) });
        }
      }
      process.exitCode = 1;
    } finally {
      await browser.close();
      await network.stop();
    }
  }
}
