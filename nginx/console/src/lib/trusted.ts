// The only addresses that may become scripts (Trusted Types): the decoder and the service worker.

declare const __DECODER__: string;

export const DECODER = __DECODER__;
export const SERVICE_WORKER = '/sw.js';

interface Rules {
  createScriptURL: (url: string) => string;
}

const rules: Rules = {
  createScriptURL(url) {
    if (url === DECODER || url === SERVICE_WORKER) return url;
    throw new TypeError('not a script of the console');
  },
};
const types = (self as unknown as { trustedTypes?: { createPolicy: (name: string, of: Rules) => Rules } }).trustedTypes;

/** Turns an address into one that a worker may be started from. */
export const trusted: Rules = types ? types.createPolicy('codasync', rules) : rules;
