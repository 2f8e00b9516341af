// The screens of staff, and the scanner that works on each of them.

import type { JSX } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { Wedge } from '../scan/wedge';
import { go, route } from '../lib/router';
import type { Screens } from '../shell/screens';
import { counting, takeCode } from './item';
import { ScanScreen } from './scan_screen';
import { checking, ScannerCheck } from './scanner_check';
import { Shelf } from './shelf';
import { Todo } from './todo';
import { Waiting } from './waiting';

/** A scan on another screen opens the scan screen, except while it counts. */
function onScan(code: string): void {
  if (checking.value !== null) {
    checking.value = { last: code };
    return;
  }
  if (counting.peek() === null && route.peek().name !== 'scan') go('scan');
  void takeCode(code);
}

function withScanner(Component: () => JSX.Element): () => JSX.Element {
  return function Scanned() {
    useLayoutEffect(() => new Wedge(onScan).start(), []); // before the screen is painted: a scan can be the first input
    return <Component />;
  };
}

function Check(): JSX.Element {
  useEffect(() => () => void (checking.value = null), []);
  return <ScannerCheck />;
}

export const screens: Screens = {
  scan: withScanner(ScanScreen),
  todo: withScanner(Todo),
  shelf: withScanner(Shelf),
  waiting: withScanner(Waiting),
  scanner: withScanner(Check),
};
