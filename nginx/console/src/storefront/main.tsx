// The public page /shop/{id}: it uses public addresses of the API only.

import { render } from 'preact';

const root = document.getElementById('app');
if (root) render(<main />, root);
