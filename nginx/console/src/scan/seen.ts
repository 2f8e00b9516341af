// Which of the codes in the frames is a new scan: a pack that stays in view counts once.

export const GONE_MS = 800; // a code that was not in view for this time may be scanned again
const TWICE_MS = 1_500; // the two readings of an unsure code

export class SeenCodes {
  private readonly last = new Map<string, number>(); // accepted codes and when they were last in view
  private readonly once = new Map<string, number>(); // unsure codes that were read once

  /** Takes the codes of a frame. Returns: those that are new. */
  take(codes: readonly { code: string; unsure: boolean }[], at: number): string[] {
    for (const [code, time] of this.last) if (at - time > GONE_MS) this.last.delete(code);
    for (const [code, time] of this.once) if (at - time > TWICE_MS) this.once.delete(code);
    const accepted: string[] = [];
    for (const { code, unsure } of codes) {
      if (this.last.has(code)) {
        this.last.set(code, at);
      } else if (unsure && !this.once.has(code)) {
        this.once.set(code, at);
      } else {
        this.once.delete(code);
        this.last.set(code, at);
        accepted.push(code);
      }
    }
    return accepted;
  }
}
