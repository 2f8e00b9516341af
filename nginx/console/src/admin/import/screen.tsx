// The import: a file, its columns with a preview, the progress, the result, and the imports before.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { loadShops } from '../../data/shops';
import { explain } from '../../lib/explain';
import { Icon } from '../../ui/icons';
import { ProblemLine, Screen } from '../list';
import { t } from '../words';
import { Columns } from './columns';
import { Numbers } from './numbers';
import { PastImports } from './past';
import { Preview, Refused } from './preview';
import { beginAgain, cancel, choose, cut, file, kind, past, problem, progress, readPast, refused, result, step, type Step } from './state';
import type { ImportKind } from './upload';
import { UndoButton } from './undo';

const STEPS: readonly Step[] = ['file', 'preview', 'running', 'result'];

export function Import(): JSX.Element {
  useEffect(() => {
    void readPast();
    void loadShops();
  }, []);
  return (
    <Screen
      title={t('import')}
      actions={
        step.value !== 'file' &&
        step.value !== 'running' && (
          <button type="button" onClick={beginAgain}>
            {t('other_file')}
          </button>
        )
      }
    >
      <ol class="steps">
        {STEPS.map((each, at) => (
          <li key={each} aria-current={each === step.value ? 'step' : undefined} class={at < STEPS.indexOf(step.value) ? 'done' : ''}>
            <span>{at + 1}</span> {t(`step_${each}`)}
          </li>
        ))}
      </ol>
      {step.value === 'file' && <ChooseFile />}
      {step.value === 'preview' && (
        <>
          <Columns />
          <Preview />
        </>
      )}
      {step.value === 'running' && <Running />}
      {step.value === 'result' && <Ended />}
      {step.value === 'file' && past.value && past.value.length > 0 && <PastImports />}
    </Screen>
  );
}

function ChooseFile(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const take = (files: FileList | null | undefined): void => {
    const first = files?.[0];
    if (first) choose(first);
  };
  return (
    <div class="block choose-file">
      <fieldset>
        <legend>{t('import_what')}</legend>
        {(['products', 'stock-readings'] as const satisfies readonly ImportKind[]).map((each) => (
          <label key={each} class="option">
            <input type="radio" name="kind" checked={kind.value === each} onChange={() => (kind.value = each)} />
            <span>
              {t(each === 'products' ? 'products' : 'readings')} <small>{t(each === 'products' ? 'import_products' : 'import_readings')}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <div
        class="drop"
        onDragOver={(event) => {
          event.preventDefault();
          event.currentTarget.classList.add('over');
        }}
        onDragLeave={(event) => event.currentTarget.classList.remove('over')}
        onDrop={(event) => {
          event.preventDefault();
          event.currentTarget.classList.remove('over');
          take(event.dataTransfer?.files);
        }}
      >
        <Icon name="upload" size={32} />
        <p>{t('drop_file')}</p>
        <button type="button" class="primary" onClick={() => input.current?.click()}>
          {t('choose_file')}
        </button>
        <input
          ref={input}
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-label={t('choose_file')}
          accept=".csv,.tsv,.txt,.gz,.ndjson,.jsonl,text/csv"
          onChange={(event) => take(event.currentTarget.files)}
        />
        <small class="hint">{t('file_kinds')}</small>
      </div>
    </div>
  );
}

function Running(): JSX.Element {
  const now = progress.value;
  return (
    <section class="block running">
      <h2>{t('importing', { name: file.value?.name ?? '' })}</h2>
      <progress max={now?.bytes_total ?? 1} value={now?.bytes ?? 0} aria-label={t('step_running')} />
      <p role="status">{now ? t('rows_read', { n: now.rows, refused: now.refused }) : t('sending_file')}</p>
      <button type="button" onClick={cancel}>
        {t('cancel')}
      </button>
      <p class="hint">{t('cancel_hint')}</p>
    </section>
  );
}

function Ended(): JSX.Element {
  const end = result.value;
  if (!end) {
    return (
      <section class="block">
        <ProblemLine problem={problem.value} />
        {cut.value && (
          <p class="problem" role="alert">
            {t('import_cut')}
          </p>
        )}
      </section>
    );
  }
  const nothing = end.created + end.changed === 0;
  return (
    <section class="block">
      <div role="status">
        <h2>{end.outcome === 'done' && nothing ? t('nothing_changed') : t(`ended_${end.outcome}`)}</h2>
      </div>
      {end.reason && <p class="problem">{end.reason}</p>}
      {problem.value && <p class="problem">{explain(problem.value)}</p>}
      <Numbers />
      {end.import && !nothing && <UndoButton id={end.import} onUndone={() => void readPast()} />}
      {refused.value.length > 0 && <Refused />}
    </section>
  );
}
