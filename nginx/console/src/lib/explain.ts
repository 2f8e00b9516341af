// What a problem means for the person, and what to do.

import { t } from '../text/app';
import type { Problem } from './types';

/** Returns: a sentence or two; the service's own `detail` when it is about what the person entered. */
export function explain(problem: Problem): string {
  switch (problem.type) {
    case 'console:offline':
    case 'console:timeout':
      return t('problem_offline');
    case 'console:portal':
      return t('problem_portal');
    case 'urn:codasync:problem:unauthorized':
      return t('problem_sign_in');
    case 'urn:codasync:problem:below-zero':
      return t('problem_below_zero', { n: problem.quantity ?? 0 });
    case 'urn:codasync:problem:unknown-product':
      return t('problem_unknown_product');
  }
  if (problem.status === 429 || problem.status >= 500) return t('problem_busy');
  const fields = Object.values(problem.errors ?? {}).flat();
  return fields.length > 0 ? fields.join(' ') : problem.detail;
}
