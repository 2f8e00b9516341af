// The change of one field of many products. Each is written with its version, so a change by another person is not lost.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { isTransient, request } from '../lib/api';
import { explain } from '../lib/explain';
import type { Problem, Product } from '../lib/types';
import { announce } from '../ui/announce';
import { Sheet } from '../ui/sheet';
import { Field } from './edit';
import { t } from './words';

interface BulkProps {
  field: 'category' | 'brand';
  label: string;
  suggestions: readonly string[];
  products: readonly Product[];
  onChanged: (product: Product) => void;
  /** `left`: the GTINs that were not changed. */
  onClose: (left: ReadonlySet<string>) => void;
}

interface Failed {
  product: Product;
  problem: Problem;
}

export function BulkSheet({ field, label, suggestions, products, onChanged, onClose }: BulkProps): JSX.Element {
  const value = useSignal<string | null>(null);
  const done = useSignal(0);
  const running = useSignal(false);
  const failed = useSignal<readonly Failed[]>([]);
  const stopped = useSignal(false);
  const waiting = useSignal<readonly Product[]>(products);

  const run = async (): Promise<void> => {
    const todo = waiting.peek();
    running.value = true;
    stopped.value = false;
    failed.value = [];
    for (const [at, product] of todo.entries()) {
      if (stopped.peek()) break;
      const answer = await request<Product>('PATCH', `/products/${product.GTIN}`, {
        body: { [field]: value.peek() },
        ifMatch: `"${product.version}"`,
      });
      if (answer.ok) onChanged(answer.body);
      else {
        failed.value = [...failed.peek(), { product, problem: answer.problem }];
        if (isTransient(answer)) {
          waiting.value = [...failed.peek().map((one) => one.product), ...todo.slice(at + 1)];
          running.value = false;
          return;
        }
      }
      done.value += answer.ok ? 1 : 0;
      waiting.value = [...failed.peek().map((one) => one.product), ...todo.slice(at + 1)];
    }
    running.value = false;
    if (waiting.peek().length > 0) return;
    announce({ text: t('changed_products', { n: done.value }), tone: 'good' });
    onClose(new Set());
  };
  const close = (): void => {
    stopped.value = true;
    onClose(new Set(waiting.peek().map(({ GTIN }) => GTIN)));
  };

  return (
    <Sheet title={t('change_many', { n: products.length, field: label })} side onClose={close}>
      <form
        class="edit"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <Field
          field={{ name: field, label: t('new_value', { field: label }), hint: t('empty_clears'), optional: true, suggestions }}
          value={value.value}
          errors={[]}
          onInput={(typed) => (value.value = typed)}
        />
        <ul class="names">
          {products.map((product) => (
            <li key={product.GTIN}>
              {product.name} <small>{product[field] ?? t('empty')}</small>
            </li>
          ))}
        </ul>
        {running.value && <progress max={products.length} value={done.value} aria-label={t('saving')} />}
        {failed.value.length > 0 && (
          <div class="problem" role="alert">
            <p>{t('not_changed', { n: waiting.value.length })}</p>
            <ul>
              {failed.value.map(({ product, problem }) => (
                <li key={product.GTIN}>
                  {product.name}: {problem.status === 412 ? t('changed_by_another') : explain(problem)}
                </li>
              ))}
            </ul>
          </div>
        )}
        <footer class="sheet-foot">
          <span class="gap" />
          <button type="button" onClick={close}>
            {running.value ? t('stop') : t('cancel')}
          </button>
          <button type="submit" class="primary" disabled={running.value}>
            {running.value ? t('saving') : t('change_products', { n: waiting.value.length })}
          </button>
        </footer>
      </form>
    </Sheet>
  );
}
