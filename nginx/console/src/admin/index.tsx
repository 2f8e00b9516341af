// The screens of admins, loaded when the first of them is opened.

import { loadStyle } from '../lib/style';
import type { Screens } from '../shell/screens';
import { Audit } from './audit';
import { Export } from './export';
import { Import } from './import/screen';
import { Products } from './products';
import { RulesScreen } from './rules';
import { Shops } from './shops';
import { Tokens } from './tokens';
import { load } from './words';

declare const __ADMIN_STYLE__: string;

await Promise.all([load(), loadStyle(__ADMIN_STYLE__)]);

export const screens: Screens = {
  products: Products,
  shops: Shops,
  tokens: Tokens,
  rules: RulesScreen,
  audit: Audit,
  import: Import,
  export: Export,
};
