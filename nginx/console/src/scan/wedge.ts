// Hardware scanners, which type like a keyboard, only faster. Their keys never reach a button or a form.

const FAST_MS = 50; // between two keys of a scanner
const END_MS = 120; // a pause after which a scan has ended without Enter or Tab
const LENGTH_MIN = 6;
const MODIFIERS = new Set(['Shift', 'Control', 'Alt', 'AltGraph', 'CapsLock']);

/** Returns: the character of a key at scanner speed: digits by position, right on every keyboard layout; null for others. */
function characterOf(event: KeyboardEvent): string | null {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit !== undefined && !event.shiftKey) return digit;
  if (event.ctrlKey && (event.key === ']' || event.code === 'BracketRight')) return '\u001d';
  return event.key.length === 1 && !event.ctrlKey && !event.metaKey ? event.key : null;
}

export class Wedge {
  private text = '';
  private typed = ''; // what the browser put into the field of it: by the keyboard's layout
  private last = 0;
  private timer = 0;
  private alt = ''; // digits that are typed with Alt: Alt+029 is byte 29
  private inField = false;
  private swallowing = false; // a burst was recognised: its keys are taken

  constructor(private readonly onScan: (code: string) => void) {}

  start(): () => void {
    const keydown = (event: KeyboardEvent): void => this.key(event);
    const keyup = (event: KeyboardEvent): void => this.altReleased(event);
    document.addEventListener('keydown', keydown, true);
    document.addEventListener('keyup', keyup, true);
    return () => {
      document.removeEventListener('keydown', keydown, true);
      document.removeEventListener('keyup', keyup, true);
      clearTimeout(this.timer);
    };
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing || event.key === 'Unidentified' || event.key === 'Process') return;
    const fast = event.timeStamp - this.last < FAST_MS;
    if (event.altKey && /^(?:Digit|Numpad)\d$/.test(event.code)) {
      this.alt += event.code.at(-1);
      this.continued(event);
      if (fast) event.preventDefault();
      return;
    }
    if (event.key === 'Enter' || event.key === 'Tab') {
      if (fast && this.text.length >= LENGTH_MIN) {
        event.preventDefault();
        event.stopImmediatePropagation();
        this.end();
      } else {
        this.reset();
      }
      return;
    }
    const character = characterOf(event);
    if (character === null) {
      if (!MODIFIERS.has(event.key)) this.reset();
      else if (fast) this.continued(event);
      return;
    }
    if (!fast) this.reset();
    this.text += character;
    // In a field the first characters are typed as usual; a button must not see any of a burst.
    const target = event.target instanceof HTMLElement ? event.target : null;
    this.inField = target !== null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
    if (this.text.length > 1 && fast) {
      if (this.inField && !this.swallowing && this.text.length >= LENGTH_MIN && target instanceof HTMLInputElement) {
        // What the scanner typed into a field until now is taken out again.
        if (target.value.endsWith(this.typed)) {
          target.value = target.value.slice(0, target.value.length - this.typed.length);
          target.dispatchEvent(new Event('input', { bubbles: true }));
        }
        this.swallowing = true;
      }
      if (!this.inField || this.swallowing) event.preventDefault();
    }
    if (!event.ctrlKey) this.typed += event.key;
    this.continued(event);
  }

  /** The burst continues; a pause ends it. */
  private continued(event: KeyboardEvent): void {
    this.last = event.timeStamp;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.text.length >= LENGTH_MIN && (this.swallowing || !this.inField) ? this.end() : this.reset()), END_MS);
  }

  private altReleased(event: KeyboardEvent): void {
    if (event.key !== 'Alt' || this.alt === '') return;
    if (Number(this.alt) === 29) this.text += '\u001d';
    this.alt = '';
    this.continued(event);
  }

  private end(): void {
    const code = this.text;
    this.reset();
    this.onScan(code);
  }

  private reset(): void {
    clearTimeout(this.timer);
    this.text = '';
    this.typed = '';
    this.swallowing = false;
  }
}
